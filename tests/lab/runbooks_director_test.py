"""The runbooks of what happens to the director itself, one after the other."""

import unittest

import runbooks


class RunbooksOfDirectorTest(runbooks.RunbooksTest):

    lanes = ((
        "LVSCheckerLagging", "LVSHealthCheckStale", "LVSRealServerHostDown", "LVSUnexpectedRealServer",
        "LVSConfigReloadFailed", "LVSKeepalivedDown", "LVSDirectorWithoutStandby", "LVSSyncDaemonMissing",
        "LVSStatsFrozen", "LVSCollectorFailing", "LVSConnectionScanStale",
        "LVSConnectionTableGrowing", "LVSExporterDown", "LVSAllServicesVanished", "LVSKernelTableUnreadable",
    ),)
    end_late = {
        "LVSAllServicesVanished": "it is kept for five minutes",
    }
    pending = {
        "LVSConnectionTableGrowing": "the kernel forgets the connections before its wait is over; the page says so",
    }


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=["runbooks_director_test", "RunbooksOfDirectorTest"])
