#include "exporter/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_file.h"

namespace lvs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Options Parse(const std::vector<std::string>& args) {
  auto parsed = ParseOptions(args);
  if (const Exit* exit = std::get_if<Exit>(&parsed)) {
    ADD_FAILURE() << exit->error;
    return {};
  }
  return std::get<Options>(parsed);
}

Exit Leave(const std::vector<std::string>& args) {
  auto parsed = ParseOptions(args);
  if (const Exit* exit = std::get_if<Exit>(&parsed)) return *exit;
  ADD_FAILURE() << "was taken";
  return {};
}

std::vector<std::string_view> CollectorsOf(const std::vector<std::string>& args) {
  std::vector<std::string_view> names;
  for (const CollectorEntry* entry : Parse(args).collectors) names.push_back(entry->name);
  return names;
}

TEST(Options, NeedNoFlags) {
  const Options options = Parse({});
  EXPECT_THAT(options.listen_addresses, ElementsAre(ListenAddress{"0.0.0.0", 10211}));
  EXPECT_EQ(options.telemetry_path, "/metrics");
  EXPECT_EQ(options.max_requests, 40U);
  EXPECT_EQ(options.settings.procfs, "/proc");
  EXPECT_EQ(options.settings.ipvs.backend_labels, std::nullopt);
  EXPECT_FALSE(options.settings.ipvs.node_exporter_names);
}

TEST(Options, TakeValuesBehindAnEqualsSignOrAsTheNextWord) {
  EXPECT_EQ(Parse({"--web.telemetry-path=/x"}).telemetry_path, "/x");
  EXPECT_EQ(Parse({"--web.telemetry-path", "/x"}).telemetry_path, "/x");
  EXPECT_EQ(Parse({"--log.format=json"}).log_format, LogFormat::kJson);
  EXPECT_EQ(Parse({"--log.level=error"}).log_level, spdlog::level::err);
  EXPECT_EQ(Parse({"--path.procfs=/usr"}).settings.procfs, "/usr");
  EXPECT_TRUE(Parse({"--collector.ipvs.node-exporter-names"}).settings.ipvs.node_exporter_names);
}

TEST(Options, TheLastValueCountsButListenAddressesAddUp) {
  EXPECT_EQ(Parse({"--web.max-requests=1", "--web.max-requests=0"}).max_requests, 0U);
  EXPECT_THAT(
      Parse({"--web.listen-address=127.0.0.1:1", "--web.listen-address=:2"}).listen_addresses,
      ElementsAre(ListenAddress{"127.0.0.1", 1}, ListenAddress{"0.0.0.0", 2}));
}

TEST(Options, CollectorsAreOnUnlessSwitchedOff) {
  EXPECT_THAT(CollectorsOf({}),
              ElementsAre("ipvs", "connections", "checker", "director", "audit", "process"));
  EXPECT_THAT(CollectorsOf({"--no-collector.process"}),
              ElementsAre("ipvs", "connections", "checker", "director", "audit"));
  EXPECT_THAT(
      CollectorsOf({"--collector.realserver"}),
      ElementsAre("ipvs", "connections", "checker", "director", "audit", "realserver", "process"));
  EXPECT_THAT(CollectorsOf({"--collector.disable-defaults", "--collector.realserver"}),
              ElementsAre("realserver"));
  EXPECT_THAT(CollectorsOf({"--collector.disable-defaults", "--collector.process"}),
              ElementsAre("process"));
  EXPECT_THAT(CollectorsOf({"--collector.process", "--collector.disable-defaults"}),
              ElementsAre("process"));
}

TEST(Options, BackendLabels) {
  const auto labels = [](const std::string& flag) {
    return Parse({flag}).settings.ipvs.backend_labels;
  };
  EXPECT_EQ(labels("--collector.ipvs.backend-labels=proto,local_address"),
            (ipvs::BackendLabelSet{"local_address", "proto"}));
  EXPECT_EQ(labels("--collector.ipvs.backend-labels="), ipvs::BackendLabelSet{});
  EXPECT_EQ(labels("--collector.ipvs.backend-labels=local_address,local_port,proto,local_mark,"
                   "address_family,remote_address,remote_port"),
            std::nullopt);
}

TEST(Options, HowTheConnectionTableIsRead) {
  using namespace std::chrono_literals;
  const connections::Settings standard = Parse({}).settings.connections;
  EXPECT_EQ(standard.interval, 60s);
  EXPECT_DOUBLE_EQ(standard.budget, 0.015);
  EXPECT_EQ(standard.level, connections::Level::kService);
  EXPECT_EQ(standard.longest_pass, 1s);
  const connections::Settings set =
      Parse({"--collector.connections.interval=5m", "--collector.connections.budget=0.5%",
             "--collector.connections.level=backend",
             "--collector.connections.max-pass-time=250ms"})
          .settings.connections;
  EXPECT_EQ(set.interval, 5min);
  EXPECT_DOUBLE_EQ(set.budget, 0.005);
  EXPECT_EQ(set.level, connections::Level::kBackend);
  EXPECT_EQ(set.longest_pass, 250ms);
  EXPECT_EQ(Parse({"--collector.connections.level=totals"}).settings.connections.level,
            connections::Level::kTotals);
}

TEST(Options, WithoutAFileTheBuiltInProbesHold) {
  const Options options = Parse({});
  EXPECT_EQ(options.config_file, "");
  EXPECT_FALSE(options.enable_lifecycle);
  EXPECT_NE(options.configuration.checker.default_tcp, nullptr);
  EXPECT_NE(options.configuration.checker.default_icmp, nullptr);
}

TEST(Options, TakeAConfigurationFile) {
  const TemporaryFile file("checker: {flap_threshold: 3}\n");
  const std::string& path = file.path();
  const Options options = Parse({"--config.file=" + path, "--web.enable-lifecycle"});
  EXPECT_EQ(options.config_file, path);
  EXPECT_TRUE(options.enable_lifecycle);
  EXPECT_EQ(options.configuration.checker.flap.threshold, 3U);
}

TEST(Options, AWrongFileIsOneSentenceWhetherItIsCheckedOrUsed) {
  const TemporaryFile file("checker:\n  flap_treshold: 3\n");
  const std::string& path = file.path();
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"--config.file=" + path},
        std::vector<std::string>{"--config.check", "--config.file=" + path}}) {
    const Exit exit = Leave(args);
    EXPECT_EQ(exit.status, 2);
    EXPECT_EQ(exit.output, "");
    EXPECT_EQ(exit.error, "ipvs_exporter: " + path +
                              ":2: checker.flap_treshold: unknown key; did you mean "
                              "`flap_threshold`?\n");
  }
}

TEST(Options, AGoodFileIsValidAndItsNotesAreSaid) {
  const TemporaryFile file("probes:\n  p: {type: tcp}\n");
  const std::string& path = file.path();
  const Exit exit = Leave({"--config.check", "--config.file=" + path});
  EXPECT_EQ(exit.status, 0);
  EXPECT_EQ(exit.error, "");
  EXPECT_EQ(exit.output, "The configuration is valid.\nNote: " + path +
                             ":2: probes.p: no service uses this probe\n");
}

TEST(Options, CheckedWithoutAFileItSaysSo) {
  EXPECT_EQ(Leave({"--config.check"}).output,
            "The flags are valid; there is no configuration file (--config.file).\n");
}

TEST(Options, AFolderThatIsNotThereIsRefused) {
  EXPECT_EQ(Leave({"--path.procfs=/no/such/folder"}).error,
            "ipvs_exporter: --path.procfs=/no/such/folder: expected a folder\n");
}

TEST(Options, AskedForATextTheFileIsNotRead) {
  EXPECT_EQ(Leave({"--version", "--config.file=/no/such.yml"}).status, 0);
}

TEST(Options, EveryMistakeIsOneSentenceThatNamesTheFlag) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> mistakes = {
      {{"--bogus"}, "unknown flag --bogus; see --help"},
      {{"bogus"}, "unexpected argument bogus; see --help"},
      {{"-x"}, "unknown flag -x; see --help"},
      {{"--web.telemetry-path"}, "--web.telemetry-path: needs a value"},
      {{"--web.telemetry-path=metrics"},
       "--web.telemetry-path=metrics: expected a path such as /metrics"},
      {{"--web.telemetry-path=/"}, "--web.telemetry-path=/: this path has another use"},
      {{"--web.telemetry-path=/-/ready"},
       "--web.telemetry-path=/-/ready: this path has another use"},
      {{"--web.telemetry-path=/a b"},
       "--web.telemetry-path=/a b: expected a path such as /metrics"},
      {{"--web.max-requests=-1"}, "--web.max-requests=-1: expected a whole number from 0 to 1000"},
      {{"--web.max-requests=4x"}, "--web.max-requests=4x: expected a whole number from 0 to 1000"},
      {{"--log.level=loud"}, "--log.level=loud: expected debug, info, warn or error"},
      {{"--log.format=xml"}, "--log.format=xml: expected logfmt or json"},
      {{"--list-metrics=xml"}, "--list-metrics=xml: expected markdown or json"},
      {{"--collector.ipvs=maybe"}, "--collector.ipvs: takes no value"},
      {{"--collector.ipvs=true"}, "--collector.ipvs: takes no value"},
      {{"--no-collector.ipvs=false"}, "--no-collector.ipvs: takes no value"},
      {{"--web.enable-lifecycle="}, "--web.enable-lifecycle: takes no value"},
      {{"-h=true"}, "--help: takes no value"},
      {{"--config.file", ""}, "--config.file=: expected a file"},
      {{"--config.file"}, "--config.file: needs a value"},
      {{"--config.file=/no/such.yml"}, "ipvs_exporter: /no/such.yml: No such file or directory"},
      {{"--collector.ipvs.backend-labels=x"}, "unknown backend label \"x\""},
      {{"--collector.connections.interval=60"}, "expected a duration from 1s to 1h, such as 60s"},
      {{"--collector.connections.interval=999ms"}, "expected a duration from 1s to 1h"},
      {{"--collector.connections.interval=61m"}, "expected a duration from 1s to 1h"},
      {{"--collector.connections.budget=1.5"},
       "--collector.connections.budget=1.5: expected a share of one core from 0.1% to 100%, such "
       "as 1.5%"},
      {{"--collector.connections.budget=0%"}, "expected a share of one core"},
      {{"--collector.connections.budget=101%"}, "expected a share of one core"},
      {{"--collector.connections.budget=nan%"}, "expected a share of one core"},
      {{"--collector.connections.budget=1%%"}, "expected a share of one core"},
      {{"--collector.connections.level=all"}, "expected totals, service or backend"},
      {{"--collector.connections.max-pass-time=9ms"},
       "expected a duration from 10ms to 1h, such as 1s"},
      {{"--collector.connections.max-pass-time=2h"}, "expected a duration from 10ms to 1h"},
      {{"--web.listen-address=nohost"}, "--web.listen-address=nohost: "},
      {{"--web.listen-address=[::1]:80"}, "IPv6"},
      {{"--web.listen-address=http://127.0.0.1:80"}, "expected IPV4-ADDRESS:PORT or :PORT"},
      {{"--web.listen-address=127.0.0.1:1,127.0.0.1:2"}, "repeat the flag"},
      {{"--web.listen-address=:1", "--web.listen-address=:1"}, "is given twice"},
      {{"--collector.ipvs", "--no-collector.ipvs"},
       "--collector.ipvs and --no-collector.ipvs contradict each other"},
  };
  for (const auto& [args, sentence] : mistakes) {
    const Exit exit = Leave(args);
    EXPECT_EQ(exit.status, 2) << args[0];
    EXPECT_EQ(exit.output, "");
    EXPECT_THAT(exit.error, testing::StartsWith("ipvs_exporter: "));
    EXPECT_THAT(exit.error, HasSubstr(sentence));
    EXPECT_EQ(exit.error.find('\n'), exit.error.size() - 1) << "not one line: " << exit.error;
  }
}

TEST(Options, ControlCharactersOfAWrongFlagDoNotReachTheTerminal) {
  EXPECT_THAT(Leave({"--x\x1b[31m\n"}).error, testing::Not(HasSubstr("\x1b")));
}

TEST(Options, TextsGoToStandardOutput) {
  for (const char* flag : {"--help", "-h", "--version", "--list-metrics", "--config.check",
                           "--list-metrics=json", "--list-metrics=markdown"}) {
    const Exit exit = Leave({flag});
    EXPECT_EQ(exit.status, 0) << flag;
    EXPECT_EQ(exit.error, "");
    EXPECT_NE(exit.output, "");
  }
}

TEST(Options, AWrongFlagWinsOverAText) {
  EXPECT_EQ(Leave({"--help", "--log.level=loud"}).status, 2);
  EXPECT_EQ(Leave({"--config.check", "--bogus"}).status, 2);
}

}  // namespace
}  // namespace lvs
