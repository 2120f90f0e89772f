#include "collectors/connections/classifier.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "tests/support/connections_world.h"

namespace lvs::connections {
namespace {

using fake::On;
using fake::OnMark;
using fake::RowOf;
using fake::Services;
using ipvs::ForwardMethod;
using enum ipvs::Protocol;

std::string Describe(const Classification& c) {
  if (c.is_template) {
    std::string text(kTemplateTypeNames[static_cast<std::size_t>(c.type)]);
    text += " " + std::string(kTemplateStatusNames[static_cast<std::size_t>(c.status)]);
    if (c.drained) text += " drained";
    return text + (c.binding == Binding::kAmbiguous ? " ambiguous" : "");
  }
  const char* const kBindings[] = {"bound", "orphan", "ambiguous"};
  return kBindings[static_cast<std::size_t>(c.binding)];
}

// What becomes of a row. service and backend: by position, -1 for none.
struct Case {
  std::string row;
  std::string expected;
  int service = -1;
  int backend = -1;
};

int PositionOf(std::uint32_t found) { return found == kNone ? -1 : static_cast<int>(found); }

void Check(const Services& services, const std::vector<Case>& cases,
           const ClassifierRules& rules = {}) {
  const ServiceIndex index(services.table());
  for (const Case& c : cases) {
    SCOPED_TRACE(c.row);
    const Classification found = Classify(RowOf(c.row), index, rules);
    EXPECT_EQ(Describe(found), c.expected);
    EXPECT_EQ(PositionOf(found.service), c.service);
    EXPECT_EQ(PositionOf(found.backend), c.backend);
  }
}

// The rows that were seen on Linux 6.1, one for each kind.
TEST(Classifier, KnowsEveryKindOfTemplate) {
  Check(Services()
            .Persistent(On(kTcp, "10.0.0.1", 80))
            .Backend("10.1.0.1", 80)
            .Persistent(On(kTcp, "10.0.0.2", 0))
            .Backend("10.1.0.1", 0)
            .Persistent(OnMark(300))
            .Backend("10.2.0.2", 0)
            .Persistent(OnMark(7, AddressFamily::kIpv6))
            .Backend("2001:db8::2", 0)
            .Persistent(On(kTcp, "10.0.0.3", 21))
            .Backend("10.1.0.1", 21)
            .Persistent(On(kUdp, "10.3.0.1", 0))
            .Backend("10.2.0.2", 0),
        {{"TCP C0000201 0000 0A000001 0050 0A010001 0050 ASSURED LOCAL 299", "ppc assured", 0, 0},
         {"TCP C0000201 0000 0A000002 0000 0A010001 0000 ASSURED LOCAL 359", "pcc assured", 1, 1},
         {"IP 0A040002 0000 0000012C 0000 0A020002 0000 NONE LOCAL 299", "pfwmc unassured", 2, 2},
         {"IP 2001:0db8:0000:0000:0000:0000:0000:0009 0000 0000:0007:0000:0000:0000:0000:0000:0000 "
          "0000 2001:0db8:0000:0000:0000:0000:0000:0002 0000 ASSURED SYNC 299",
          "pfwmc assured", 3, 3},
         {"TCP C0000201 0000 0A000003 0000 0A010001 0000 ASSURED LOCAL 299", "ftp assured", 4, 4},
         {"UDP 0A040000 0000 0A030001 0000 0A020002 0000 NONE LOCAL 299", "pcc unassured", 5, 5}});
}

TEST(Classifier, ATemplateOfAMarkBelongsToTheMarkOfItsFamily) {
  Check(Services()
            .Persistent(OnMark(0x80000001))
            .Backend("10.2.0.2", 0)
            .Persistent(OnMark(7, AddressFamily::kIpv6))
            .Backend("2001:db8::2", 0),
        {{"IP 0A040002 0000 80000001 0000 0A020002 0000 NONE LOCAL 1", "pfwmc unassured", 0, 0},
         {"IP 0A040002 0000 00000007 0000 0A020002 0000 NONE LOCAL 1", "orphan unassured"}});
}

TEST(Classifier, AClientOnPort0IsNoTemplate) {
  Check(Services()
            .Persistent(On(kUdp, "10.0.0.1", 53))
            .Backend("10.1.0.1", 53)
            .Persistent(On(kTcp, "10.0.0.1", 21))
            .Backend("10.1.0.1", 21),
        {{"UDP C0000201 0000 0A000001 0035 0A010001 0035 UDP LOCAL 1", "bound", 0, 0},
         {"UDP C0000201 0000 0A000001 0035 0A010001 0035 NONE LOCAL 1", "ppc unassured", 0, 0},
         // FTP data under masquerading that waits for the client's port.
         {"TCP C0000201 0000 0A000001 0014 0A010001 0014 LISTEN LOCAL 1", "bound", 1, 1},
         {"TCP C0000201 0000 0A000001 0015 0A010001 0015 SYN_RECV LOCAL 1", "bound", 1, 1}});
}

TEST(Classifier, AClientPortMeansAConnectionWhateverItsState) {
  Check(Services().Persistent(On(kTcp, "10.0.0.1", 80)).Backend("10.1.0.1", 80),
        {{"TCP C0000201 0001 0A000001 0050 0A010001 0050 NONE LOCAL 1", "bound", 0, 0},
         {"TCP C0000201 0001 0A000001 0050 0A010001 0050 ASSURED LOCAL 1", "bound", 0, 0},
         // IPsec uses port 500 on all sides.
         {"IP_50 C0000201 01F4 0A000001 01F4 0A010001 01F4 ERR! LOCAL 1", "orphan"}});
}

TEST(Classifier, BeforeLinux419TheStateUdpMayBeATemplates) {
  const Services services = Services().Persistent(On(kUdp, "10.0.0.1", 53)).Backend("10.1.0.1", 53);
  const std::string row = "UDP C0000201 0000 0A000001 0035 0A010001 0035 UDP LOCAL 1";
  Check(services, {{row, "bound", 0, 0}});
  Check(services, {{row, "ppc unassured", 0, 0}},
        {.template_states = ClassifierRules::TemplateStates::kAlsoUdp});
}

TEST(Classifier, ColumnsOfAnEngineMeanATemplate) {
  const Services services =
      Services().Persistent(On(kUdp, "10.0.0.1", 5060)).Backend("10.1.0.1", 5060);
  const ServiceIndex index(services.table());
  const auto row =
      ParseRow("UDP C0000201 0000 0A000001 13C4 0A010001 13C4 UDP 59 sip call-id", Format::kPlain);
  ASSERT_TRUE(row);
  EXPECT_EQ(Describe(Classify(*row, index, {})), "ppc unassured");
}

TEST(Classifier, ATemplateWithoutItsBackendOrServiceIsAnOrphan) {
  Check(Services()
            .Persistent(On(kTcp, "10.0.0.1", 80))
            .Backend("10.1.0.1", 80)
            .Persistent(On(kTcp, "10.0.0.2", 0))
            .Backend("10.1.0.1", 0)
            .Persistent(OnMark(300))
            .Backend("10.2.0.2", 0),
        {{"TCP C0000201 0000 0A000001 0050 0A010009 0050 ASSURED LOCAL 9", "orphan assured", 0},
         {"TCP C0000201 0000 0A000001 0050 0A010001 1F90 ASSURED LOCAL 9", "orphan assured", 0},
         {"TCP C0000201 0000 0A000001 0051 0A010001 0051 ASSURED LOCAL 9", "orphan assured"},
         {"UDP C0000201 0000 0A000001 0050 0A010001 0050 NONE LOCAL 9", "orphan unassured"},
         {"TCP C0000201 0000 0A000002 0000 0A010009 0000 NONE LOCAL 9", "orphan unassured", 1},
         {"TCP C0000201 0000 0A000009 0000 0A010001 0000 NONE LOCAL 9", "orphan unassured"},
         {"IP 0A040002 0000 0000012C 0000 0A020009 0000 NONE LOCAL 9", "orphan unassured", 2},
         {"IP 0A040002 0000 0000012D 0000 0A020002 0000 NONE LOCAL 9", "orphan unassured"}});
}

TEST(Classifier, WithoutAPersistentServiceATemplateWithoutPortIsAnOrphan) {
  Check(Services()
            .Plain(On(kTcp, "10.0.0.2", 0))
            .Backend("10.1.0.1", 0)
            .Plain(On(kTcp, "10.0.0.3", 21))
            .Backend("10.1.0.1", 21),
        {{"TCP C0000201 0000 0A000002 0000 0A010001 0000 NONE LOCAL 9", "orphan unassured"},
         {"TCP C0000201 0000 0A000003 0000 0A010001 0000 NONE LOCAL 9", "orphan unassured"}});
}

TEST(Classifier, APort0ServiceComesBeforeFtpOnTheSameAddress) {
  const std::string row = "TCP C0000201 0000 0A000003 0000 0A010001 0000 NONE LOCAL 9";
  Check(Services()
            .Persistent(On(kTcp, "10.0.0.3", 21))
            .Backend("10.1.0.1", 21)
            .Persistent(On(kTcp, "10.0.0.3", 0))
            .Backend("10.1.0.1", 0),
        {{row, "pcc unassured", 1, 1}});
  // One that is not persistent makes no templates.
  Check(Services()
            .Persistent(On(kTcp, "10.0.0.3", 21))
            .Backend("10.1.0.1", 21)
            .Plain(On(kTcp, "10.0.0.3", 0))
            .Backend("10.1.0.1", 0),
        {{row, "ftp unassured", 0, 0},
         {"UDP C0000201 0000 0A000003 0000 0A010001 0000 NONE LOCAL 9", "orphan unassured"}});
}

TEST(Classifier, ASynchronisedTemplateThatTheKernelCannotBindIsAnOrphan) {
  Check(Services()
            .Persistent(On(kTcp, "10.0.0.3", 21))
            .Backend("10.1.0.1", 21)
            .Persistent(OnMark(1))
            .Backend("10.1.0.1", 8080, 1, ForwardMethod::kMasquerade)
            .Backend("10.1.0.2", 0, 1, ForwardMethod::kMasquerade)
            .Backend("10.1.0.3", 8080, 1, ForwardMethod::kRoute)
            .Backend("10.1.0.4", 8080, 1, ForwardMethod::kTunnel)
            .Backend("10.1.0.4", 0, 1, ForwardMethod::kTunnel)
            .Persistent(On(kTcp, "10.0.0.4", 0))
            .Backend("10.1.0.1", 80, 1, ForwardMethod::kMasquerade)
            .Backend("10.1.0.2", 0),
        {{"TCP C0000201 0000 0A000003 0000 0A010001 0000 NONE SYNC 9", "orphan unassured", 0},
         {"IP C0000201 0000 00000001 0000 0A010001 0000 NONE SYNC 9", "orphan unassured", 1},
         {"IP C0000201 0000 00000001 0000 0A010001 0000 NONE LOCAL 9", "pfwmc unassured", 1, 1},
         {"IP C0000201 0000 00000001 0000 0A010002 0000 NONE SYNC 9", "pfwmc unassured", 1, 2},
         {"IP C0000201 0000 00000001 0000 0A010003 0000 NONE SYNC 9", "orphan unassured", 1},
         {"IP C0000201 0000 00000001 0000 0A010003 0000 NONE LOCAL 9", "pfwmc unassured", 1, 3},
         // The one that has no port, though another one is on the address.
         {"IP C0000201 0000 00000001 0000 0A010004 0000 NONE SYNC 9", "pfwmc unassured", 1, 5},
         {"IP C0000201 0000 00000001 FFFF 0A010004 FFFF NONE SYNC 9", "pfwmc invalidated", 1, 5},
         {"TCP C0000201 0000 0A000004 0000 0A010001 0000 NONE SYNC 9", "orphan unassured", 2},
         {"TCP C0000201 0000 0A000004 0000 0A010001 0000 NONE LOCAL 9", "pcc unassured", 2, 6},
         {"TCP C0000201 0000 0A000004 0000 0A010002 0000 NONE SYNC 9", "pcc unassured", 2, 7}});
}

TEST(Classifier, ASynchronisedConnectionIsBoundByItsPortOnly) {
  Check(Services()
            .Persistent(OnMark(1))
            .Backend("10.1.0.1", 8080, 1, ForwardMethod::kMasquerade)
            .Backend("10.1.0.2", 0)
            .Persistent(On(kTcp, "10.0.0.4", 0))
            .Backend("10.1.0.1", 8080, 1, ForwardMethod::kMasquerade)
            .Backend("10.1.0.2", 0),
        {{"TCP C0000201 8001 0A000009 0050 0A010001 0050 CLOSE LOCAL 9", "bound", 0, 0},
         {"TCP C0000201 8001 0A000009 0050 0A010001 0050 CLOSE SYNC 9", "orphan", 0},
         {"TCP C0000201 8001 0A000009 0050 0A010001 1F90 CLOSE SYNC 9", "bound", 0, 0},
         {"TCP C0000201 8001 0A000009 0050 0A010002 0050 CLOSE SYNC 9", "bound", 0, 1},
         {"TCP C0000201 8001 0A000004 0050 0A010001 1F90 CLOSE SYNC 9", "bound", 1, 2},
         {"TCP C0000201 8001 0A000004 0050 0A010002 0050 CLOSE SYNC 9", "bound", 1, 3}});
}

TEST(Classifier, BackendsThatShareAnAddressCountForTheServiceOnly) {
  Check(Services()
            .Persistent(On(kTcp, "10.0.0.2", 0))
            .Backend("10.1.0.1", 80, 1, ForwardMethod::kMasquerade)
            .Backend("10.1.0.1", 81, 1, ForwardMethod::kMasquerade)
            .Backend("10.1.0.2", 80, 0)
            .Backend("10.1.0.2", 81, 0),
        {{"TCP C0000201 0000 0A000002 0000 0A010001 0000 NONE LOCAL 9", "pcc unassured", 0},
         {"TCP C0000201 0000 0A000002 0000 0A010002 0000 NONE LOCAL 9", "pcc unassured drained", 0},
         {"TCP C0000201 8001 0A000002 0050 0A010001 0050 ESTABLISHED LOCAL 9", "bound", 0}});
}

TEST(Classifier, TemplatesOfDrainedBackendsAreMarked) {
  Check(Services()
            .Persistent(On(kTcp, "10.0.0.1", 80))
            .Backend("10.1.0.1", 80, 0)
            .Persistent(OnMark(300))
            .Backend("10.2.0.2", 0, 0),
        {{"TCP C0000201 0000 0A000001 0050 0A010001 0050 ASSURED LOCAL 9", "ppc assured drained", 0,
          0},
         {"IP 0A040002 0000 0000012C FFFF 0A020002 FFFF NONE LOCAL 9", "pfwmc invalidated drained",
          1, 1},
         {"TCP C0000201 8001 0A000001 0050 0A010001 0050 ESTABLISHED LOCAL 9", "bound", 0, 0}});
}

TEST(Classifier, AnInvalidatedTemplateTakesTheTypeOfTheServicesOnItsAddress) {
  const std::string row = "TCP 0A040002 0000 0A030001 FFFF 0A020002 FFFF NONE LOCAL 297";
  Check(Services().Persistent(On(kTcp, "10.3.0.1", 80)).Backend("10.2.0.2", 80),
        {{row, "ppc invalidated", 0, 0},
         {"TCP 0A040002 0000 0A030001 FFFF 0A020009 FFFF NONE LOCAL 9", "orphan invalidated", 0},
         {"UDP 0A040002 0000 0A030001 FFFF 0A020002 FFFF NONE LOCAL 9", "orphan invalidated"}});
  // The service on port 81 does not have the backend.
  Check(Services()
            .Persistent(On(kTcp, "10.3.0.1", 80))
            .Backend("10.2.0.2", 80)
            .Persistent(On(kTcp, "10.3.0.1", 81))
            .Backend("10.2.0.3", 81),
        {{row, "ppc invalidated", 0, 0}});
  Check(Services()
            .Persistent(On(kTcp, "10.3.0.1", 80))
            .Backend("10.2.0.2", 80)
            .Persistent(On(kTcp, "10.3.0.1", 81))
            .Backend("10.2.0.2", 81),
        {{row, "ppc invalidated ambiguous"}});
  // Services that are not persistent do not count.
  Check(Services()
            .Plain(On(kTcp, "10.3.0.1", 80))
            .Backend("10.2.0.2", 80)
            .Persistent(On(kTcp, "10.3.0.1", 0))
            .Backend("10.2.0.2", 0),
        {{row, "pcc invalidated", 1, 1}});
}

TEST(Classifier, AnInvalidatedTemplateAmongServicesOfSeveralTypesIsAnOrphan) {
  Check(Services()
            .Persistent(On(kTcp, "10.3.0.1", 80))
            .Backend("10.2.0.2", 80)
            .Persistent(On(kTcp, "10.3.0.1", 0))
            .Backend("10.2.0.2", 0),
        {{"TCP 0A040002 0000 0A030001 FFFF 0A020002 FFFF NONE LOCAL 297", "orphan invalidated"}});
}

TEST(Classifier, AnInvalidatedTemplateOfAMarkKeepsItsMark) {
  Check(Services().Persistent(OnMark(300)).Backend("10.2.0.2", 0),
        {{"IP 0A040002 0000 0000012C FFFF 0A020002 FFFF NONE LOCAL 295", "pfwmc invalidated", 0, 0},
         {"IP 0A040002 0000 0000012C FFFF 0A020009 FFFF NONE LOCAL 295", "orphan invalidated", 0}});
}

TEST(Classifier, AServiceOnPort65535IsNotInvalidated) {
  Check(Services()
            .Persistent(On(kTcp, "10.3.0.1", 65535))
            .Backend("10.2.0.2", 65535)
            .Persistent(On(kTcp, "10.3.0.1", 80))
            .Backend("10.2.0.3", 80),
        {{"TCP 0A040002 0000 0A030001 FFFF 0A020002 FFFF ASSURED LOCAL 9", "ppc assured", 0, 0},
         {"TCP 0A040002 0000 0A030001 FFFF 0A020003 FFFF NONE LOCAL 9", "ppc invalidated", 1, 1}});
}

TEST(Classifier, AConnectionBelongsToItsExactServiceFirst) {
  Check(Services()
            .Plain(On(kTcp, "10.0.0.1", 80))
            .Backend("10.1.0.1", 8080, 1, ForwardMethod::kMasquerade)
            .Persistent(On(kTcp, "10.0.0.1", 21))
            .Backend("10.1.0.1", 21)
            .Persistent(On(kTcp, "10.0.0.1", 0))
            .Backend("10.1.0.1", 0)
            .Plain(OnMark(1))
            .Backend("10.1.0.1", 0),
        {{"TCP C0000201 8001 0A000001 0050 0A010001 1F90 CLOSE LOCAL 9", "bound", 0, 0},
         {"TCP C0000201 8001 0A000001 0015 0A010001 0015 CLOSE LOCAL 9", "bound", 1, 1},
         {"TCP C0000201 8001 0A000001 0014 0A010001 0014 CLOSE LOCAL 9", "bound", 1, 1},
         {"TCP C0000201 8001 0A000001 0400 0A010001 0400 CLOSE LOCAL 9", "bound", 1, 1},
         {"TCP C0000201 8001 0A000001 03FF 0A010001 03FF CLOSE LOCAL 9", "bound", 2, 2},
         {"UDP C0000201 8001 0A000001 0400 0A010001 0400 UDP LOCAL 9", "bound", 3, 3}});
}

TEST(Classifier, ThePortFromWhichFtpDataComesIsASetting) {
  const Services services = Services().Persistent(On(kTcp, "10.0.0.1", 21)).Backend("10.1.0.1", 21);
  const std::string row = "TCP C0000201 8001 0A000001 0200 0A010001 0200 CLOSE LOCAL 9";
  Check(services, {{row, "orphan"}});
  Check(services, {{row, "bound", 0, 0}}, {.first_unprivileged_port = 512});
}

TEST(Classifier, AnFtpServiceThatIsNotPersistentHasNoDataConnections) {
  Check(Services().Plain(On(kTcp, "10.0.0.1", 21)).Backend("10.1.0.1", 21),
        {{"TCP C0000201 8001 0A000001 0015 0A010001 0015 CLOSE LOCAL 9", "bound", 0, 0},
         {"TCP C0000201 8001 0A000001 0400 0A010001 0400 CLOSE LOCAL 9", "orphan"}});
}

TEST(Classifier, DataOfAMasqueradedFtpServiceBelongToItWhateverItsPersistence) {
  const Services services = Services()
                                .Plain(On(kTcp, "10.0.0.1", 21))
                                .Backend("10.1.0.1", 21, 1, ForwardMethod::kMasquerade)
                                .Backend("10.1.0.2", 2121, 1, ForwardMethod::kMasquerade)
                                .Backend("10.1.0.3", 21);
  Check(services, {{"TCP C0000201 8001 0A000001 0015 0A010002 0849 CLOSE LOCAL 9", "bound", 0, 1},
                   {"TCP C0000201 8001 0A000001 9C40 0A010001 9C40 CLOSE LOCAL 9", "bound", 0, 0},
                   {"TCP C0000201 0000 0A000001 9C40 0A010002 9C40 LISTEN LOCAL 9", "bound", 0, 1},
                   {"TCP C0000201 8001 0A000001 0014 0A010001 0014 CLOSE LOCAL 9", "bound", 0, 0},
                   {"TCP C0000201 8001 0A000001 9C40 0A010003 9C40 CLOSE LOCAL 9", "orphan"},
                   {"TCP C0000201 8001 0A000001 0050 0A010001 0050 CLOSE LOCAL 9", "orphan"}});
  // A service of its own comes first.
  Check(Services(services).Plain(On(kTcp, "10.0.0.1", 40000)).Backend("10.1.0.1", 40000),
        {{"TCP C0000201 8001 0A000001 9C40 0A010001 9C40 CLOSE LOCAL 9", "bound", 1, 3}});
}

TEST(Classifier, AConnectionOfARemovedBackendIsAnOrphanOfItsService) {
  Check(Services().Plain(On(kTcp, "10.0.0.1", 80)).Backend("10.1.0.1", 80),
        {{"TCP C0000201 8001 0A000001 0050 0A010002 0050 CLOSE LOCAL 9", "orphan", 0},
         {"TCP C0000201 8001 0A000001 0050 0A010001 0051 CLOSE LOCAL 9", "orphan", 0},
         {"TCP C0000201 8001 0A000002 0050 0A010001 0050 CLOSE LOCAL 9", "orphan"}});
}

TEST(Classifier, AConnectionWithoutAServiceGoesToTheOneMarkThatHasItsBackend) {
  Check(Services()
            .Plain(OnMark(1))
            .Backend("10.1.0.1", 0)
            .Plain(OnMark(2))
            .Backend("10.1.0.2", 8080, 1, ForwardMethod::kMasquerade)
            .Persistent(OnMark(3))
            .Backend("10.1.0.3", 8080, 1, ForwardMethod::kMasquerade)
            .Plain(OnMark(4))
            .Backend("10.1.0.4", 0)
            .Plain(OnMark(5))
            .Backend("10.1.0.4", 80)
            .Plain(OnMark(6, AddressFamily::kIpv6))
            .Backend("2001:db8::1", 0),
        {{"TCP C0000201 8001 0A000001 0050 0A010001 0050 CLOSE LOCAL 9", "bound", 0, 0},
         {"TCP C0000201 8001 0A000001 0050 0A010002 1F90 CLOSE LOCAL 9", "bound", 1, 1},
         {"TCP C0000201 8001 0A000001 0050 0A010002 0050 CLOSE LOCAL 9", "orphan"},
         // Persistent: the client's port, though the backend has one.
         {"TCP C0000201 8001 0A000001 0050 0A010003 0050 CLOSE LOCAL 9", "bound", 2, 2},
         {"TCP C0000201 8001 0A000001 0050 0A010004 0050 CLOSE LOCAL 9", "ambiguous"},
         {"TCP C0000201 8001 0A000001 0051 0A010004 0051 CLOSE LOCAL 9", "bound", 3, 3},
         {"TCP 2001:0db8:0000:0000:0000:0000:0000:0009 8001 "
          "2001:0db8:0000:0000:0000:0000:0000:0008 0050 "
          "2001:0db8:0000:0000:0000:0000:0000:0001 0050 CLOSE LOCAL 9",
          "bound", 5, 5}});
}

TEST(Classifier, AConnectionWhoseServiceLacksItsBackendMayBeOfAMarkThatHasIt) {
  Check(Services()
            .Plain(On(kTcp, "10.0.0.1", 80))
            .Backend("10.1.0.1", 80)
            .Plain(OnMark(1))
            .Backend("10.1.0.2", 0)
            .Backend("10.1.0.3", 0)
            .Plain(OnMark(2))
            .Backend("10.1.0.3", 0),
        {{"TCP C0000201 8001 0A000001 0050 0A010001 0050 CLOSE LOCAL 9", "bound", 0, 0},
         {"TCP C0000201 8001 0A000001 0050 0A010002 0050 CLOSE LOCAL 9", "ambiguous"},
         {"TCP C0000201 8001 0A000001 0050 0A010003 0050 CLOSE LOCAL 9", "ambiguous"},
         {"TCP C0000201 8001 0A000001 0050 0A010004 0050 CLOSE LOCAL 9", "orphan", 0}});
}

TEST(Classifier, ABackendWithoutAPortTakesTheClients) {
  Check(Services().Plain(On(kTcp, "10.0.0.1", 80)).Backend("10.1.0.1", 0),
        {{"TCP C0000201 8001 0A000001 0050 0A010001 0050 CLOSE LOCAL 9", "bound", 0, 0}});
  Check(Services().Plain(On(kTcp, "10.0.0.1", 80)).Backend("10.1.0.1", 0).Backend("10.1.0.1", 80),
        {{"TCP C0000201 8001 0A000001 0050 0A010001 0050 CLOSE LOCAL 9", "bound", 0}});
}

TEST(Classifier, TunnelsMayLeadToTheOtherFamily) {
  Check(Services().Persistent(On(kTcp, "10.0.0.1", 80)).Backend("2001:db8::1", 80),
        {{"TCP C0000201 8001 0A000001 0050 2001:0db8:0000:0000:0000:0000:0000:0001 0050 CLOSE "
          "LOCAL 9",
          "bound", 0, 0},
         {"TCP C0000201 0000 0A000001 0050 2001:0db8:0000:0000:0000:0000:0000:0001 0050 NONE "
          "LOCAL 9",
          "ppc unassured", 0, 0}});
}

TEST(Classifier, WithoutAnyServiceEverythingIsAnOrphan) {
  Check(Services(),
        {{"TCP C0000201 8001 0A000001 0050 0A010001 0050 CLOSE LOCAL 9", "orphan"},
         {"TCP C0000201 0000 0A000001 0050 0A010001 0050 NONE SYNC 9", "orphan unassured"},
         {"TCP C0000201 0000 0A000001 FFFF 0A010001 FFFF NONE SYNC 9", "orphan invalidated"},
         {"IP C0000201 0000 00000001 0000 0A010001 0000 NONE SYNC 9", "orphan unassured"}});
}

}  // namespace
}  // namespace lvs::connections
