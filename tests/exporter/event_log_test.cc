#include "exporter/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/captured_log.h"

namespace lvs {
namespace {

using checker::Event;
using testing::HasSubstr;
using testing::StartsWith;

std::string LineOf(const Event& event) {
  CapturedLog captured;
  LogEvent(captured.log(), event);
  return captured.Lines();
}

Event OfBackend(bool transition, probes::Reason reason) {
  Event event;
  event.transition = transition;
  event.service = "shop";
  event.backend = ipvs::BackendKey{*ParseAddress("192.168.1.102"), 80};
  event.target = "tcp 192.168.1.102:80";
  event.reason = reason;
  return event;
}

Event OfService(const std::string& from, const std::string& to) {
  Event event;
  event.kind = Event::Kind::kService;
  event.service = "shop";
  event.from = from;
  event.to = to;
  return event;
}

TEST(EventLog, TellsThatAServerIsUpAgain) {
  EXPECT_EQ(LineOf(OfBackend(true, probes::Reason::kNone)),
            "level=info msg=\"backend is up\" service=shop backend=192.168.1.102:80 "
            "by=\"tcp 192.168.1.102:80\"\n");
}

TEST(EventLog, AServerThatWorksFromTheStartIsNoNews) {
  EXPECT_THAT(LineOf(OfBackend(false, probes::Reason::kNone)), StartsWith("level=debug "));
  EXPECT_THAT(LineOf(OfService("unknown", "ok")), StartsWith("level=debug "));
}

TEST(EventLog, WarnsOfAServerThatIsDownWhetherItWasUpOrNot) {
  for (const bool transition : {true, false}) {
    const std::string line = LineOf(OfBackend(transition, probes::Reason::kConnectRefused));
    EXPECT_THAT(line, StartsWith("level=warn msg=\"backend is down\" service=shop"));
    EXPECT_THAT(line, HasSubstr(" layer=l4 reason=connect_refused "));
  }
}

TEST(EventLog, WarnsOfAServiceThatIsNotWhole) {
  EXPECT_THAT(LineOf(OfService("ok", "spof")), StartsWith("level=warn "));
  EXPECT_THAT(LineOf(OfService("unknown", "down")), StartsWith("level=warn "));
  EXPECT_THAT(LineOf(OfService("spof", "ok")), StartsWith("level=info "));
}

}  // namespace
}  // namespace lvs
