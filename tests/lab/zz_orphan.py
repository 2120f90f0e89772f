import unittest, runbooks
class T(runbooks.RunbooksTest):
    lanes = (("LVSOrphanedConnections",),)
    checker = "arp_leak: {interval: 2s}"
unittest.main(verbosity=2, argv=["x","T"])
