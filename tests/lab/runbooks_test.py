"""The runbooks of everything that leaves the director itself alone."""

import unittest

import runbooks
import runbooks_director_test


class RunbooksOfServersTest(runbooks.RunbooksTest):

    lanes = (
        # The shop.
        ("LVSServiceSinglePointOfFailure", "LVSServiceDegraded", "LVSServiceDown", "LVSBackupServerActive",
         "LVSRealServerBlip", "LVSWeightDrift", "LVSHealthyServerWithoutWeight"),
        # The masqueraded service, and rs2's port 8080. The others go up and down as well: after them it flaps already.
        ("LVSRealServerFlapping", "LVSRealServerDown", "LVSTrafficToDeadServer", "LVSRealServerMissingFromIPVS",
         "LVSNoReturnTraffic"),
        # Certificates, and port 443.
        ("LVSCertificatesDiffer", "LVSRealServerCertificateExpiring", "LVSCertificateNotVerified",
         "LVSSorryServerActive"),
        # The rest of the table, and settings.
        ("LVSServiceNotCarried", "LVSServiceVanished", "LVSTemplatesOnDrainedServer",
         "LVSTemplatesOnDeadServer", "LVSServerAtThreshold", "LVSDefenceModeActive", "LVSSyncDropping",
         "LVSHealthUnknown"),
        # Connections and templates that come from one client.
        ("LVSConnectionSkew", "LVSPersistenceSkew", "LVSOrphanedConnections"),
        ("LVSRealServerARPLeak", "LVSSpareServerDown"),
        # The set-up of the director.
        ("LVSFwmarkRuleMissing", "LVSVIPNotBound", "LVSAuditFailed"),
    )
    checker = "arp_leak: {interval: 2s}"
    end_late = {
        "LVSRealServerFlapping": "it looks at a quarter of an hour, and is kept for another one",
    }
    pending = {
        "LVSHealthyServerWithoutWeight": "its half an hour is three minutes here",
        "LVSCertificatesDiffer": "its half an hour is three minutes here",
        **dict.fromkeys(("LVSWeightDrift", "LVSConnectionSkew", "LVSPersistenceSkew"),
                        "its quarter of an hour is a minute and a half here, which one scrape that fails begins anew"),
        "LVSSyncDropping": "one flood is over when its wait is; the page says so",
        "LVSOrphanedConnections": "the kernel may forget the connections before its wait is over; the page says so",
    }

    def test_nothing_alerts_at_rest(self):
        self.assertEqual({dict(labels)["alertname"] for labels in self.at_rest}, {"LVSWatchdog"})

    def test_every_page_is_carried_out_or_says_why_not(self):
        carried_out = [name for test in (RunbooksOfServersTest, runbooks_director_test.RunbooksOfDirectorTest)
                       for lane in test.lanes for name in lane]
        self.assertEqual(sorted(carried_out), sorted(set(carried_out)), "twice")
        for name, page in runbooks.pages().items():
            with self.subTest(name):
                self.assertTrue(page.section, "the section is missing")
                self.assertEqual(name in carried_out, bool(page.blocks))
                self.assertIn(len(page.blocks), (0, 2))
                self.assertEqual(page.section.startswith(runbooks.IMPOSSIBLE), not page.blocks)
        self.assertLessEqual(set(carried_out), runbooks.pages().keys())


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=["runbooks_test", "RunbooksOfServersTest"])
