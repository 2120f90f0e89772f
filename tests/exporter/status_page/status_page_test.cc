#include "exporter/status_page/status_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "collectors/checker/ledger.h"
#include "exporter/status_page/selection.h"
#include "tests/support/checker_world.h"
#include "tests/support/sample_health.h"
#include "tests/support/sample_table.h"

namespace lvs {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

std::size_t CountOf(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

// What stands between two texts, the first time.
std::string Between(const std::string& page, const std::string& before, const std::string& after) {
  const std::size_t begin = page.find(before);
  if (begin == std::string::npos) return "(nothing)";
  const std::size_t end = page.find(after, begin + before.size());
  return page.substr(begin + before.size(), end - begin - before.size());
}

std::string Headline(const std::string& page) { return Between(page, "<h2 data-f>", "</h2>"); }
std::string Problems(const std::string& page) {
  return Between(page, "<section id=problems>", "</section>");
}

ipvs::LatestReading Reading(std::shared_ptr<const ipvs::Table> table) {
  ipvs::LatestReading latest;
  latest.table = std::move(table);
  latest.up = latest.was_up = latest.current = true;
  return latest;
}

// A director: what is in its table, and what the checker saw of it.
class Director {
 public:
  explicit Director(fake::KernelTable table) : table_(table.Share()) {}

  checker::Configuration& configuration() { return *configuration_; }

  // Every server has answered; those at these addresses have refused ever since.
  Director& Refusing(const std::set<std::string>& addresses) {
    refusing_ = addresses;
    return *this;
  }

  std::shared_ptr<const checker::Snapshot> Health() const {
    checker::Ledger ledger({});
    checker::Moment now{Clock::time_point(1000s), checker::WallTime(1'700'000'000s)};
    ledger.Adopt(checker::MakePlan(configuration_, {table_.get(), true}, nullptr, now.steady), now);
    for (int run = 0; run < 4; ++run) {
      now.steady += 1s;
      now.wall += 1s;
      for (std::uint32_t i = 0; i < ledger.plan()->targets.size(); ++i) {
        const checker::TargetKey& key = ledger.plan()->targets[i].key;
        const std::string address = ToString(key.address);
        const bool refuses = run > 0 && refusing_.contains(address) &&
                             !serving.contains(std::pair(address, key.port));
        ledger.Finish(
            i, refuses ? fake::Failure(probes::Reason::kConnectRefused, said) : fake::Success(),
            now);
      }
    }
    return std::make_shared<const checker::Snapshot>(ledger.Take(now));
  }

  std::string Page(const std::string& filter = "") const {
    const ipvs::LatestReading latest = Reading(table_);
    return StatusPage({&latest, Health().get()}, "/metrics", filter);
  }

  std::string said = "nobody there";
  std::set<std::pair<std::string, std::uint16_t>> serving;  // ports of them that do not refuse

 private:
  std::shared_ptr<const ipvs::Table> table_;
  std::shared_ptr<checker::Configuration> configuration_ =
      std::make_shared<checker::Configuration>(checker::Configuration::Default());
  std::set<std::string> refusing_;
};

fake::KernelTable TwoServices() {
  return fake::KernelTable()
      .Service(fake::Tcp("10.0.0.1", 80))
      .Backend("10.1.0.1", 80)
      .Backend("10.1.0.2", 80)
      .Service(fake::Tcp("10.0.0.2", 80))
      .Backend("10.1.0.3", 80)
      .Backend("10.1.0.4", 80)
      .Backend("10.1.0.5", 80);
}

fake::KernelTable Services(unsigned count, unsigned backends) {
  fake::KernelTable table;
  for (unsigned s = 0; s < count; ++s) {
    const std::string net = std::to_string(s / 250) + "." + std::to_string(s % 250 + 1);
    table.Service(fake::Tcp("10.0." + net, 80));
    for (unsigned b = 0; b < backends; ++b) {
      table.Backend("11." + net + "." + std::to_string(b + 1), 80);
    }
  }
  return table;
}

TEST(StatusPage, SaysThatNothingWasReadYet) {
  EXPECT_THAT(StatusPage({}, "/metrics"), HasSubstr("has not been read yet"));
}

TEST(StatusPage, ShowsTroubleBesideTheLastTable) {
  ipvs::LatestReading latest =
      Reading(fake::KernelTable().Service(fake::Tcp("10.0.0.1", 80)).Share());
  latest.current = false;
  latest.error = Error{ErrorCode::kTimeout, "ipvs: too slow"};
  const std::string page = StatusPage({&latest}, "/metrics");
  EXPECT_THAT(page, HasSubstr("ipvs: too slow. What stands here of the kernel is from <time"));
  EXPECT_THAT(page, HasSubstr("10.0.0.1:80/TCP"));
  EXPECT_THAT(page, HasSubstr("no backends"));
  EXPECT_THAT(page, HasSubstr("<section id=summary class=\"critical\">"));
}

TEST(StatusPage, FirstSaysThatAllIsFine) {
  const std::string page = Director(TwoServices()).Page();
  EXPECT_EQ(Headline(page), "All 2 services are fine.");
  EXPECT_THAT(page, HasSubstr("<title>all fine</title>"));
  EXPECT_THAT(page, Not(HasSubstr("id=problems")));
}

TEST(StatusPage, FirstSaysWhatIsNotFine) {
  const std::string page =
      Director(TwoServices()).Refusing({"10.1.0.1", "10.1.0.2", "10.1.0.3"}).Page();
  EXPECT_EQ(Headline(page), "1 of 2 services is down, 1 has lost a part of its servers.");
  EXPECT_THAT(page, HasSubstr("<title>2 in trouble</title>"));
}

TEST(StatusPage, AServiceThatHangsOnOneServerIsSaidInWords) {
  const std::string page = Director(TwoServices()).Refusing({"10.1.0.2"}).Page();
  EXPECT_EQ(Headline(page), "1 of 2 services hangs on a single server; 1 is fine.");
}

TEST(StatusPage, AServerThatIsOnlyUnknownAlarmsNobody) {
  auto health = std::make_shared<checker::Snapshot>(*Director(TwoServices()).Health());
  health->backends[0].verdict = checker::Verdict::kUnknown;
  health->backends[0].state = checker::BackendState::kUnknown;
  const ipvs::LatestReading latest = Reading(TwoServices().Share());
  const std::string page = StatusPage({&latest, health.get()}, "/metrics");
  EXPECT_EQ(Headline(page), "1 of 2 services is not fully judged yet; 1 is fine.");
  EXPECT_THAT(page, Not(HasSubstr("id=problems")));
}

// Down comes before degraded, whatever the order of the table.
TEST(StatusPage, ProblemsComeWorstFirstAndLinkToTheirServices) {
  const std::string problems = Problems(
      Director(TwoServices()).Refusing({"10.1.0.1", "10.1.0.3", "10.1.0.4", "10.1.0.5"}).Page());
  const std::size_t down = problems.find("href=\"#service-10.0.0.2-80-TCP\"");
  const std::size_t single = problems.find("href=\"#service-10.0.0.1-80-TCP\"");
  EXPECT_LT(down, single);
  EXPECT_NE(single, std::string::npos);
}

TEST(StatusPage, AProblemTellsTheReasonInWordsAndAsMetricsDo) {
  const std::string problems = Problems(Director(TwoServices()).Refusing({"10.1.0.1"}).Page());
  EXPECT_THAT(problems, HasSubstr("connection refused: nobody listens on the port "
                                  "(<code>l4 connect_refused</code>)"));
  EXPECT_THAT(problems, HasSubstr("since 2023-11-14 22:13:24 UTC"));
}

TEST(StatusPage, SaysThatClientsAreStillSentToADeadServer) {
  const std::string page = Director(TwoServices()).Refusing({"10.1.0.1"}).Page();
  EXPECT_THAT(Problems(page), HasSubstr("its weight is not 0: clients are still sent to it"));
}

TEST(StatusPage, NamesServersThatTheTableLacks) {
  Director director(fake::KernelTable().Service(fake::Tcp("10.0.0.1", 80)).Backend("10.1.0.1", 80));
  checker::ServiceRule rule;
  rule.match.address = fake::Ip("10.0.0.1");
  checker::ExpectedBackend expected;
  expected.address = fake::Ip("10.1.0.9");
  rule.backends = {expected};
  director.configuration().services.push_back(rule);
  const std::string page = director.Page();
  EXPECT_THAT(page, HasSubstr("<b>10.1.0.9:80</b>"));
  EXPECT_THAT(page, HasSubstr("works, but is not in the kernel's table"));
  EXPECT_THAT(page, HasSubstr("route, not in the configuration"));  // 10.1.0.1
}

TEST(StatusPage, AStreakThatIsPendingTellsHowLongItMustBecome) {
  Director director(TwoServices());
  auto health = std::make_shared<checker::Snapshot>(*director.Health());
  auto state = std::make_shared<checker::TargetState>(*health->targets[0]);
  state->layers[0].fail_streak = 2;
  health->targets[0] = state;
  const ipvs::LatestReading latest = Reading(TwoServices().Share());
  EXPECT_THAT(StatusPage({&latest, health.get()}, "/metrics"),
              HasSubstr("2 failures in a row (3 make it down)"));
}

TEST(StatusPage, ServicesInTroubleAreOpenAndAFewHealthyOnesToo) {
  EXPECT_EQ(CountOf(Director(TwoServices()).Page(), " open>"), 2U);
  const std::string page = Director(Services(40, 2)).Refusing({"11.0.7.1"}).Page();
  EXPECT_EQ(CountOf(page, " open>"), 1U);
  EXPECT_THAT(page, HasSubstr("id=\"service-10.0.0.7-80-TCP\" open>"));
}

TEST(StatusPage, OfALargeTableShowsWhatIsWorstAndCountsTheRest) {
  const std::string page = Director(Services(300, 20)).Refusing({"11.1.50.7"}).Page();
  EXPECT_EQ(CountOf(page, "<details "), status::kMostServices);
  EXPECT_EQ(CountOf(page, "<tr class="), status::kMostBackends);
  EXPECT_THAT(page, HasSubstr("100 more services (100 ok) are left out."));
  EXPECT_THAT(page, HasSubstr("20 more backends (20 up) are left out."));
  EXPECT_THAT(page, HasSubstr("id=\"service-10.0.1.50-80-TCP\" open>"));  // the last of the table
  EXPECT_EQ(Headline(page), "1 of 300 services has lost a part of its servers; 299 are fine.");
  EXPECT_LT(page.size(), 1'000'000U);
}

TEST(StatusPage, OfALargeServiceShowsTheWorstServers) {
  const std::string page = Director(Services(1, 250)).Refusing({"11.0.1.1"}).Page();
  EXPECT_EQ(CountOf(page, "<tr class="), 250U);
  fake::KernelTable large;
  large.Service(fake::Tcp("10.0.0.1", 80));
  for (int i = 1; i <= 500; ++i) {
    large.Backend("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250), 80);
  }
  const std::string cut = Director(large).Refusing({"10.1.1.249"}).Page();
  EXPECT_EQ(CountOf(cut, "<tr class="), status::kMostBackends);
  EXPECT_THAT(cut, HasSubstr("<tr class=critical data-k=\"10.1.1.249:80\""));
  EXPECT_THAT(cut, HasSubstr("100 more backends (100 up) are left out."));
}

TEST(StatusPage, ListsNoMoreThanFiftyProblems) {
  std::set<std::string> refusing;
  for (int i = 1; i <= 60; ++i) refusing.insert("11.0." + std::to_string(i) + ".1");
  const std::string problems = Problems(Director(Services(60, 2)).Refusing(refusing).Page());
  EXPECT_EQ(CountOf(problems, "hangs on a single server"), 50U);
  EXPECT_THAT(problems, HasSubstr("and 10 more services, less urgent than these"));
}

// Ten services of three servers each.
fake::KernelTable ServicesOfThree() {
  fake::KernelTable table;
  for (int i = 1; i <= 10; ++i) {
    table.Service(fake::Tcp("10.0.0." + std::to_string(i), 80));
    for (const char* server : {"10.1.0.1", "10.1.0.2", "10.1.0.3"}) table.Backend(server, 80);
  }
  return table;
}

TEST(StatusPage, AHostThatIsDownIsOneProblem) {
  const std::string problems = Problems(Director(ServicesOfThree()).Refusing({"10.1.0.2"}).Page());
  EXPECT_THAT(problems, HasSubstr("host <b>10.1.0.2</b> is down for all its 10 services: "));
  EXPECT_THAT(problems, HasSubstr("nobody listens on the port"));
  EXPECT_THAT(problems, HasSubstr("href=\"#service-10.0.0.1-80-TCP\""));
  EXPECT_THAT(problems, HasSubstr("and 7 more services"));
  EXPECT_EQ(CountOf(problems, "data-f"), 1U);
}

TEST(StatusPage, AServiceThatAHostLeavesInDangerIsAProblemOfItsOwn) {
  const std::string problems = Problems(
      Director(ServicesOfThree().Service(fake::Tcp("10.0.1.1", 80)).Backend("10.1.0.2", 80))
          .Refusing({"10.1.0.2"})
          .Page());
  EXPECT_THAT(problems, HasSubstr("is down for all its 11 services"));
  EXPECT_EQ(CountOf(problems, "data-f"), 2U);
  EXPECT_THAT(problems, HasSubstr("data-k=\"service-10.0.1.1-80-TCP\""));
}

TEST(StatusPage, AHostThatWorksForOneServiceIsNotDown) {
  fake::KernelTable table;
  for (const std::uint16_t port : std::initializer_list<std::uint16_t>{80, 81, 82}) {
    table.Service(fake::Tcp("10.0.0.1", port)).Backend("10.1.0.1", port).Backend("10.1.0.2", port);
  }
  Director director(table);
  director.serving = {{"10.1.0.2", 82}};
  const std::string problems = Problems(director.Refusing({"10.1.0.2"}).Page());
  EXPECT_THAT(problems, Not(HasSubstr("host <b>")));
  EXPECT_EQ(CountOf(problems, "data-f"), 2U);
}

TEST(StatusPage, AFilterLeavesTheRestOutAndSaysSo) {
  const std::string page = Director(TwoServices()).Page("10.1.0.4");
  EXPECT_EQ(CountOf(page, "<details "), 1U);
  EXPECT_THAT(page, HasSubstr("1 of 2 services match the filter <bdi>10.1.0.4</bdi>"));
  EXPECT_EQ(Headline(page), "All 2 services are fine.");
}

TEST(StatusPage, AFilterDoesNotHideProblems) {
  const std::string page = Director(TwoServices()).Refusing({"10.1.0.1"}).Page("10.1.0.4");
  EXPECT_THAT(Problems(page), HasSubstr("href=\"?filter=10.0.0.1%3A80%2FTCP\""));
}

TEST(StatusPage, FirstVerdictsThatAreGoodNewsAreOnlyCounted) {
  const std::string page = Director(TwoServices()).Refusing({"10.1.0.1"}).Page();
  const std::string changes = Between(page, "<ol class=changes>", "</section>");
  EXPECT_EQ(CountOf(changes, "<li "), 2U) << changes;  // the server, and its service
  EXPECT_THAT(changes, HasSubstr("7 first verdicts up or ok not shown"));
}

TEST(StatusPage, WithoutTheCheckerTheTableIsShownAndHealthIsNotGuessed) {
  const ipvs::LatestReading latest = Reading(TwoServices().Share());
  const std::string page = StatusPage({&latest}, "/metrics");
  EXPECT_EQ(Headline(page), "2 services; nothing is known of their health.");
  EXPECT_THAT(page, HasSubstr("unchecked</b>"));
  EXPECT_THAT(page, Not(HasSubstr("not in the kernel's table")));
}

TEST(StatusPage, WhileTheTableIsNotKnownNoServerIsSaidToDisagreeWithIt) {
  const Director director = Director(TwoServices()).Refusing({"10.1.0.1"});
  const ipvs::LatestReading latest = Reading(TwoServices().Share());
  auto health = std::make_shared<checker::Snapshot>(*director.Health());
  EXPECT_THAT(StatusPage({&latest, health.get()}, "/metrics"), HasSubstr("still sent to it"));
  auto plan = std::make_shared<checker::Plan>(*health->plan);
  plan->table_known = false;
  health->plan = plan;
  EXPECT_THAT(StatusPage({&latest, health.get()}, "/metrics"), Not(HasSubstr("still sent to it")));
}

TEST(StatusPage, EscapesEverythingFromOutside) {
  const std::string hostile = "<b>'\"&\xff\x01</style></script>";
  Director director(TwoServices());
  director.said = hostile;
  checker::ServiceRule rule;
  rule.match.address = fake::Ip("10.0.0.1");
  rule.name = hostile;
  rule.probes = {fake::Prepared(fake::ProbeOf(hostile, probes::ProbeType::kTcp))};
  director.configuration().services.push_back(rule);
  auto health = std::make_shared<checker::Snapshot>(*director.Refusing({"10.1.0.1"}).Health());
  auto plan = std::make_shared<checker::Plan>(*health->plan);
  plan->notes = {hostile};
  health->plan = plan;
  health->arp = {{fake::Ip("10.0.0.1"), std::nullopt, hostile, probes::ArpLeak::Kind::kAnswers,
                  true, std::nullopt}};

  ipvs::Table table = TwoServices().table();
  table.services[0].scheduler = hostile;
  table.info = ipvs::Info{hostile, 4096};
  ipvs::LatestReading latest = Reading(std::make_shared<const ipvs::Table>(table));
  latest.error = Error{ErrorCode::kSystem, hostile};
  const std::string page = StatusPage({&latest, health.get()}, hostile, "TCP " + hostile + "\"");
  EXPECT_EQ(CountOf(page, "</style>"), 1U);
  EXPECT_EQ(CountOf(page, "</script>"), 1U);
  EXPECT_THAT(page, Not(HasSubstr("<b>'")));
  EXPECT_THAT(page, Not(HasSubstr("\x01")));
  EXPECT_THAT(page, Not(HasSubstr("\xff")));
  const std::string escaped = "&lt;b&gt;&#39;&quot;&amp;\xef\xbf\xbd\xef\xbf\xbd&lt;/style&gt;";
  EXPECT_THAT(page, HasSubstr("href=\"" + escaped));       // the path of the metrics
  EXPECT_THAT(page, HasSubstr("value=\"TCP " + escaped));  // the filter
  EXPECT_THAT(page, HasSubstr("<bdi>TCP " + escaped));     // the filter again
  EXPECT_THAT(page, HasSubstr("IPVS " + escaped));         // the version
  EXPECT_THAT(page, HasSubstr("trouble>" + escaped));      // the error
  EXPECT_THAT(page, HasSubstr("10.0.0.1 on " + escaped));  // a device
  EXPECT_THAT(page, HasSubstr("<li>" + escaped));          // a note
  EXPECT_THAT(page, HasSubstr("\"><bdi>" + escaped));      // the service in the problems
}

TEST(StatusPage, EscapesWhatStandsInTheServices) {
  const std::string hostile = "<i>";
  Director director(TwoServices());
  director.said = hostile + " said";
  checker::ServiceRule rule;
  rule.match.address = fake::Ip("10.0.0.1");
  rule.name = hostile + " name";
  rule.probes = {fake::Prepared(fake::ProbeOf(hostile + " probe", probes::ProbeType::kTcp))};
  director.configuration().services.push_back(rule);
  const std::string page = director.Refusing({"10.1.0.1"}).Page();
  EXPECT_THAT(page, Not(HasSubstr(hostile)));
  for (const char* place : {"name</bdi>", "probe <svg", "said</span>"}) {
    EXPECT_THAT(page, HasSubstr(std::string("&lt;i&gt; ") + place));
  }
}

TEST(StatusPage, ThePolicyAllowsThisVeryStyleAndScript) {
  const std::string nonce = MakeNonce();
  const std::string page = StatusPage({}, "/metrics", "", nonce);
  for (const char* tag : {"<style", "<script"}) {
    EXPECT_EQ(CountOf(page, tag + (" nonce=" + nonce + ">")), 1U);
    EXPECT_THAT(page, Not(HasSubstr(tag + std::string(">")))) << "one without a nonce";
  }
  EXPECT_EQ(StatusPagePolicy(nonce),
            "default-src 'none'; style-src 'nonce-" + nonce + "'; script-src 'nonce-" + nonce +
                "'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
                "frame-ancestors 'none'");
}

TEST(StatusPage, NobodyCanGuessTheNonce) {
  std::set<std::string> nonces;
  for (int i = 0; i < 1000; ++i) nonces.insert(MakeNonce());
  EXPECT_EQ(nonces.size(), 1000U);
  EXPECT_THAT(*nonces.begin(), testing::MatchesRegex("[0-9a-f]+"));
  EXPECT_EQ(nonces.begin()->size(), 32U);
}

// A style attribute would be refused by the policy, and so would a handler.
TEST(StatusPage, NeedsNothingFromElsewhere) {
  const std::shared_ptr<const ipvs::Table> table = SampleTable();
  const ipvs::LatestReading latest = Reading(table);
  const std::string page = StatusPage({&latest, SampleHealth().get()}, "/metrics");
  for (const char* outside :
       {"http:", "https:", "src=", "@import", "url(", " style=", "onclick="}) {
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  }
}

TEST(StatusPage, IsFreshWithoutAScriptToo) {
  EXPECT_THAT(StatusPage({}, "/metrics"),
              HasSubstr("<noscript><meta http-equiv=refresh content=10></noscript>"));
}

}  // namespace
}  // namespace lvs
