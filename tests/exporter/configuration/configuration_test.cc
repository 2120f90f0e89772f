#include "exporter/configuration/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "tests/support/temporary_file.h"

namespace lvs {
namespace {

using namespace std::chrono_literals;
using checker::Role;
using probes::CloseMode;
using probes::Probe;
using probes::ProbeType;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A machine whose files are all good and which knows the host web. Keeps what it was asked to
// prepare, by name.
class FakeMachine {
 public:
  Machine Get() {
    Machine machine;
    machine.prepare = [this](Probe probe) -> Result<checker::ProbePointer> {
      if (probe.name == "a" && !trouble.empty()) return Error{ErrorCode::kInvalidInput, trouble};
      probes[probe.name] = probe;
      Probe stand_in;  // loads nothing
      stand_in.name = probe.name;
      return probes::PreparedProbe::Prepare(stand_in);
    };
    machine.resolve = [](const std::string& name,
                         std::optional<AddressFamily> family) -> Result<Address> {
      if (name != "web") return Error{ErrorCode::kInvalidInput, name + ": not known"};
      return *ParseAddress(family == AddressFamily::kIpv6 ? "2001:db8::80" : "192.168.1.80");
    };
    return machine;
  }

  std::map<std::string, Probe> probes;
  std::string trouble;  // what prepare says of the probe a
};

Configuration Read(const std::string& text, FakeMachine* machine = nullptr) {
  FakeMachine other;
  auto read = ParseConfiguration(text, "/etc/lvs/f.yml", (machine ? *machine : other).Get());
  if (read.ok()) return std::move(read.value());
  ADD_FAILURE() << read.error().message << "\n" << text;
  return {};
}

std::string Wrong(const std::string& text, const std::string& trouble = "") {
  FakeMachine machine;
  machine.trouble = trouble;
  const auto read = ParseConfiguration(text, "f", machine.Get());
  if (read.ok()) {
    ADD_FAILURE() << "was taken:\n" << text;
    return "";
  }
  EXPECT_EQ(read.error().code, ErrorCode::kInvalidInput);
  return read.error().message;
}

// The probe p with these fields.
Probe ReadProbe(const std::string& fields) {
  FakeMachine machine;
  Read("probes: {p: {" + fields + "}}", &machine);
  return machine.probes["p"];
}

// What is said about the fields of probe p, whose map begins in line 2.
std::string WrongProbe(const std::string& fields) {
  return Wrong("probes:\n  p: {" + fields + "}\n");
}

std::string WrongService(const std::string& fields) {
  return Wrong("probes: {vip: {type: dr}, vip80: {type: dr, port: 80}}\nservices:\n  - {" + fields +
               "}\n");
}

checker::ServiceRule ReadService(const std::string& fields) {
  auto services = Read("services: [{" + fields + "}]").checker.services;
  return services.empty() ? checker::ServiceRule() : services[0];
}

TEST(Configuration, OfAnEmptyFileIsTheDefault) {
  for (const char* text : {"", "# nothing\n", "{}", "checker: {}\nprobes: {}\nservices: []\n"}) {
    FakeMachine machine;
    const Configuration read = Read(text, &machine);
    const checker::Configuration expected;
    EXPECT_EQ(read.checker.metrics_level, expected.metrics_level);
    EXPECT_EQ(read.checker.flap.window, expected.flap.window);
    EXPECT_EQ(read.checker.flap.threshold, expected.flap.threshold);
    EXPECT_EQ(read.checker.absent_retention, expected.absent_retention);
    EXPECT_EQ(read.checker.arp_leak_interval, expected.arp_leak_interval);
    EXPECT_EQ(read.checker.limits.max_in_flight, std::nullopt);
    EXPECT_EQ(read.checker.limits.max_start_rate, std::nullopt);
    EXPECT_EQ(read.checker.limits.max_per_address, 16U);
    EXPECT_THAT(read.checker.services, IsEmpty());
    EXPECT_THAT(read.notes, IsEmpty());
    ASSERT_NE(read.checker.default_tcp, nullptr);
    EXPECT_EQ(read.checker.default_tcp->probe().name, "tcp");
    EXPECT_EQ(read.checker.default_icmp->probe().name, "icmp");

    Probe tcp;
    tcp.name = "tcp";
    EXPECT_EQ(machine.probes["tcp"], tcp);
    Probe icmp;
    icmp.name = "icmp";
    icmp.type = ProbeType::kIcmp;
    icmp.gating = false;
    EXPECT_EQ(machine.probes["icmp"], icmp) << "it gates where it is alone, which is the plan's";
  }
}

TEST(Configuration, CheckerTakesEveryKey) {
  const checker::Configuration read = Read(R"(
checker:
  metrics_level: full
  flap_window: 5m
  flap_threshold: 0
  absent_retention: 24h
  arp_leak: {interval: 0}
  limits: {max_in_flight: 100, max_start_rate: 50, max_per_address: 1}
)")
                                          .checker;
  EXPECT_EQ(read.metrics_level, checker::MetricsLevel::kFull);
  EXPECT_EQ(read.flap.window, 5min);
  EXPECT_EQ(read.flap.threshold, 0U);
  EXPECT_EQ(read.absent_retention, 24h);
  EXPECT_EQ(read.arp_leak_interval, 0ms);
  EXPECT_EQ(read.limits.max_in_flight, 100U);
  EXPECT_EQ(read.limits.max_start_rate, 50.0);
  EXPECT_EQ(read.limits.max_per_address, 1U);
  EXPECT_EQ(Read("checker: {limits: {max_in_flight: auto}}").checker.limits.max_in_flight,
            std::nullopt);
}

TEST(Configuration, ProbeDefaultsFollowFromOtherFields) {
  EXPECT_EQ(ReadProbe("type: http, interval: 1s").timeout, 1s);
  EXPECT_EQ(ReadProbe("type: http, interval: 500ms").fast_interval, 500ms);
  EXPECT_EQ(ReadProbe("type: http, interval: 20s").timeout, 2s);
  EXPECT_EQ(ReadProbe("type: http, interval: 20s").fast_interval, 1s);
  EXPECT_EQ(ReadProbe("type: http, interval: 20s").down_interval, 20s);
  EXPECT_EQ(ReadProbe("type: http, interval: 20s").stale_after, 62s);
  EXPECT_EQ(ReadProbe("type: http, down_interval: 30s").stale_after, 92s);
  EXPECT_EQ(ReadProbe("type: http, timeout: 4s").connect_timeout, 4s);
  EXPECT_EQ(ReadProbe("type: http, fall: 5").initial_fall, 5U);
  EXPECT_EQ(ReadProbe("type: http, rise: 5").initial_rise, 1U);
}

TEST(Configuration, ProbeDefaultsFollowFromTheType) {
  EXPECT_FALSE(ReadProbe("type: icmp").gating);
  EXPECT_TRUE(ReadProbe("type: icmp, gating: true").gating);
  EXPECT_TRUE(ReadProbe("type: dr").gating);
  EXPECT_EQ(ReadProbe("type: dr").socket.ttl, 1);
  EXPECT_EQ(ReadProbe("type: dr, ttl: 2").socket.ttl, 2);
  EXPECT_EQ(ReadProbe("type: tcp").socket.ttl, std::nullopt);
  EXPECT_EQ(ReadProbe("type: tcp").close, CloseMode::kRst);
  EXPECT_EQ(ReadProbe("type: tls").close, CloseMode::kRst);
  EXPECT_EQ(ReadProbe("type: http").close, CloseMode::kFin);
  EXPECT_EQ(ReadProbe("type: https").close, CloseMode::kFin);
  EXPECT_EQ(ReadProbe("type: https, close: rst").close, CloseMode::kRst);
}

TEST(Configuration, ProbeTakesEveryScheduleKeyAndSoDoDefaults) {
  const std::string fields =
      "interval: 10s, timeout: 3s, connect_timeout: 1s, fall: 4, rise: 5, initial_fall: 6, "
      "initial_rise: 7, fast_interval: 0, down_interval: 20s, jitter: 15%, stale_after: 2m";
  Probe expected;
  expected.name = "p";
  expected.interval = 10s;
  expected.timeout = 3s;
  expected.connect_timeout = 1s;
  expected.fall = 4;
  expected.rise = 5;
  expected.initial_fall = 6;
  expected.initial_rise = 7;
  expected.fast_interval = 0s;
  expected.down_interval = 20s;
  expected.jitter = 15;
  expected.stale_after = 2min;
  EXPECT_EQ(ReadProbe("type: tcp, " + fields), expected);

  FakeMachine machine;
  Read("probes: {p: {type: tcp}}\nchecker: {defaults: {" + fields + "}}", &machine);
  EXPECT_EQ(machine.probes["p"], expected);
  expected.name = "tcp";
  EXPECT_EQ(machine.probes["tcp"], expected) << "the built-in ones take them, too";
}

TEST(Configuration, AProbesOwnValueComesBeforeTheDefaults) {
  FakeMachine machine;
  Read("checker: {defaults: {fall: 5, interval: 10s}}\nprobes: {p: {type: tcp, fall: 2}}",
       &machine);
  EXPECT_EQ(machine.probes["p"].fall, 2U);
  EXPECT_EQ(machine.probes["p"].interval, 10s);
  EXPECT_EQ(machine.probes["p"].initial_fall, 2U);
}

TEST(Configuration, ProbeTakesEverySocketKey) {
  const Probe probe = ReadProbe(
      "type: tcp, address: 192.168.1.9, port: 8080, source: 192.168.1.1, interface: eth0.10, "
      "mark: 0x20, netns: blue, ttl: 3, tos: 16");
  EXPECT_EQ(probe.address, ParseAddress("192.168.1.9"));
  EXPECT_EQ(probe.port, 8080);
  EXPECT_EQ(probe.socket.source, ParseAddress("192.168.1.1"));
  EXPECT_EQ(probe.socket.interface, "eth0.10");
  EXPECT_EQ(probe.socket.mark, 32U);
  EXPECT_EQ(probe.socket.netns, "blue");
  EXPECT_EQ(probe.socket.ttl, 3);
  EXPECT_EQ(probe.socket.tos, 16);
  EXPECT_EQ(ReadProbe("type: tcp, address: web").address, ParseAddress("192.168.1.80"));
  EXPECT_EQ(ReadProbe("type: icmp, icmp: {size: 1400}").icmp_size, 1400U);
}

TEST(Configuration, ProbeTakesEveryHttpKey) {
  const probes::HttpOptions http = ReadProbe(R"(type: http, http: {method: GET, path: "/health?x=1",
      host: "shop.example.org:8080", headers: {Accept: text/html}, version: 1.0,
      expect_status: [200, 301-302], expect_body: '"db":"ok"', reject_body: Exception,
      expect_header: {Content-Type: ^text/}, max_body: 1MiB, drain_status: 503})")
                                       .http;
  EXPECT_EQ(http.path, "/health?x=1");
  EXPECT_EQ(http.host, "shop.example.org:8080");
  EXPECT_THAT(http.headers, ElementsAre(std::pair("Accept", "text/html")));
  EXPECT_EQ(http.version, probes::HttpOptions::Version::k10);
  EXPECT_THAT(http.expect_status,
              ElementsAre(probes::StatusRange{200, 200}, probes::StatusRange{301, 302}));
  EXPECT_EQ(http.expect_body, "\"db\":\"ok\"");
  EXPECT_EQ(http.reject_body, "Exception");
  EXPECT_THAT(http.expect_header, ElementsAre(std::pair("Content-Type", "^text/")));
  EXPECT_EQ(http.max_body, 1024U * 1024);
  EXPECT_THAT(http.drain_status, ElementsAre(probes::StatusRange{503, 503}));
  EXPECT_EQ(ReadProbe("type: http, http: {method: HEAD}").http.method,
            probes::HttpOptions::Method::kHead);
}

TEST(Configuration, ProbeTakesEveryTlsKey) {
  const probes::TlsOptions tls = ReadProbe(R"(type: tls, tls: {verify: false, ca_file: ca.pem,
      sni: a.example.org, verify_name: 10.0.0.1, min_version: 1.3, alpn: [h2, http/1.1],
      client_cert: /c.pem, client_key: keys/k.pem, resume: false, full_every: 1m})")
                                     .tls;
  EXPECT_FALSE(tls.verify);
  EXPECT_EQ(tls.ca_file, "/etc/lvs/ca.pem") << "below the folder of the file";
  EXPECT_EQ(tls.sni, "a.example.org");
  EXPECT_EQ(tls.verify_name, "10.0.0.1");
  EXPECT_EQ(tls.min_version, probes::TlsOptions::Version::k13);
  EXPECT_THAT(tls.alpn, ElementsAre("h2", "http/1.1"));
  EXPECT_EQ(tls.client_cert, "/c.pem");
  EXPECT_EQ(tls.client_key, "/etc/lvs/keys/k.pem");
  EXPECT_FALSE(tls.resume);
  EXPECT_EQ(tls.full_every, 1min);
}

TEST(Configuration, BuiltInProbesMayBeRedefined) {
  FakeMachine machine;
  const Configuration read =
      Read("probes: {tcp: {interval: 20s}, icmp: {type: icmp, fall: 9}}", &machine);
  EXPECT_EQ(machine.probes["tcp"].type, ProbeType::kTcp);
  EXPECT_EQ(machine.probes["tcp"].interval, 20s);
  EXPECT_EQ(machine.probes["icmp"].fall, 9U);
  EXPECT_FALSE(machine.probes["icmp"].gating);
  EXPECT_EQ(read.checker.default_tcp->probe().name, "tcp");
  EXPECT_THAT(read.notes, IsEmpty()) << "they are used where no rule is";
}

TEST(Configuration, ServiceTakesEveryKey) {
  const Configuration read = Read(R"(
probes: {alive: {type: icmp}, page: {type: http}}
services:
  - match: {address: 192.168.1.111, port: 80, proto: TCP, family: ipv4}
    name: shop é
    probes: [page, alive, tcp]
    quorum: 5
    hysteresis: 4
    backends:
      - {address: web}
      - {address: 192.168.1.110, port: 8080, weight: 0, role: backup, maintenance: true,
         accept_macs: ["02:00:5e:10:00:01"], probes: []}
      - {address: 127.0.0.1, role: sorry, probes: [alive]}
  - match: {mark: 0x0A, family: ipv6}
    vip: [2001:db8::1, 2001:db8::2]
    backends: [{address: web}]
  - match: {address: 192.168.1.112, port: 0, proto: TCP}
  - match: {proto: FWM}
  - match: {}
)");
  const std::vector<checker::ServiceRule>& rules = read.checker.services;
  ASSERT_EQ(rules.size(), 5U);
  const checker::ServiceRule& shop = rules[0];
  EXPECT_EQ(shop.match.address, ParseAddress("192.168.1.111"));
  EXPECT_EQ(shop.match.port, 80);
  EXPECT_EQ(shop.match.protocol, ipvs::Protocol::kTcp);
  EXPECT_EQ(shop.match.family, AddressFamily::kIpv4);
  EXPECT_EQ(shop.name, "shop é");
  EXPECT_EQ(shop.quorum.quorum, 5U);
  EXPECT_EQ(shop.quorum.hysteresis, 4U);
  ASSERT_EQ(shop.probes->size(), 3U);
  EXPECT_EQ((*shop.probes)[0]->probe().name, "page");
  EXPECT_EQ((*shop.probes)[2], read.checker.default_tcp);

  ASSERT_EQ(shop.backends.size(), 3U);
  EXPECT_EQ(shop.backends[0].address, ParseAddress("192.168.1.80"));
  EXPECT_EQ(shop.backends[0].port, std::nullopt);
  EXPECT_EQ(shop.backends[0].weight, std::nullopt);
  EXPECT_EQ(shop.backends[0].role, Role::kReal);
  EXPECT_FALSE(shop.backends[0].maintenance);
  EXPECT_EQ(shop.backends[0].probes, std::nullopt);
  EXPECT_EQ(shop.backends[1].port, 8080);
  EXPECT_EQ(shop.backends[1].weight, 0U);
  EXPECT_EQ(shop.backends[1].role, Role::kBackup);
  EXPECT_TRUE(shop.backends[1].maintenance);
  EXPECT_EQ(shop.backends[1].accept_macs.size(), 1U);
  EXPECT_THAT(*shop.backends[1].probes, IsEmpty()) << "none on purpose";
  EXPECT_EQ(shop.backends[2].role, Role::kSorry);
  EXPECT_EQ((*shop.backends[2].probes)[0], (*shop.probes)[1]) << "one object for each probe";

  EXPECT_EQ(rules[1].match.mark, 10U);
  EXPECT_EQ(rules[1].vips.size(), 2U);
  EXPECT_EQ(rules[1].probes, std::nullopt);
  EXPECT_EQ(rules[1].quorum.quorum, 1U);
  EXPECT_EQ(rules[1].quorum.hysteresis, 0U);
  EXPECT_EQ(ToString(rules[1].backends[0].address), "2001:db8::80") << "of the service's family";
  EXPECT_EQ(rules[2].match.port, 0);
  EXPECT_EQ(rules[3].match.protocol, ipvs::Protocol::kFwmark);
}

TEST(Configuration, OneVipNeedsNoList) {
  EXPECT_THAT(ReadService("match: {mark: 10}, vip: 192.168.1.111").vips,
              ElementsAre(*ParseAddress("192.168.1.111")));
}

TEST(Configuration, SectionsMayComeInAnyOrder) {
  const Configuration read = Read(
      "services: [{match: {}, probes: [p]}]\nprobes: {p: {type: http}}\n"
      "checker: {defaults: {fall: 9}}\n");
  EXPECT_EQ((*read.checker.services[0].probes)[0]->probe().name, "p");
}

TEST(Configuration, NotesWhatIsRightButWorthSaying) {
  FakeMachine machine;
  const Configuration read = Read(R"(
probes:
  zz: {type: tls}
  named: {type: https, http: {host: a.example.org}}
  open: {type: tls, tls: {verify: false}}
  a: {type: tcp}
services: [{match: {}, probes: [zz, named], backends: [{address: web, probes: [open]}]}]
)",
                                  &machine);
  EXPECT_THAT(read.notes,
              ElementsAre("/etc/lvs/f.yml:3: probes.zz: without a name (sni, verify_name or host) "
                          "only the certificate's chain and dates are verified",
                          "/etc/lvs/f.yml:6: probes.a: no service uses this probe"));
}

TEST(WrongConfiguration, NamesFileLineKeyAndWhatWasExpected) {
  const std::pair<std::string, std::string> wrong[] = {
      {"- a\n", "f:1: expected a map, found a list"},
      {"hello\n", "f:1: expected a map, found `hello`"},
      {"proves: {}\n", "f:1: proves: unknown key; did you mean `probes`?"},
      {"something: {}\n", "f:1: something: unknown key"},
      {"checker: {}\nprobes: {}\nchecker: {}\n", "f:3: checker: given twice, first in line 1"},
      {"checker:\n", "f:1: checker: expected a map, found nothing"},
      {"services: {}\n", "f:1: services: expected a list, found a map"},
      {"probes: []\n", "f:1: probes: expected a map, found a list"},
      {"checker:\n  metrics_level: max\n",
       "f:2: checker.metrics_level: expected minimal, standard or full, found `max`"},
      {"checker: {flap_window: 10}\n",
       "f:1: checker.flap_window: expected a duration from 1s to 24h, found `10`"},
      {"checker: {flap_threshold: 6.5}\n",
       "f:1: checker.flap_threshold: expected a whole number from 0 to 1000, found `6.5`"},
      {"checker: {flap_threshold: \"6\"}\n",
       "f:1: checker.flap_threshold: expected a whole number from 0 to 1000, found the text \"6\""},
      {"checker: {arp_leak: {interval: 1ms}}\n",
       "f:1: checker.arp_leak.interval: expected a duration from 1s to 1h, or 0 for off, found "
       "`1ms`"},
      {"checker: {limits: {max_in_flight: 0}}\n",
       "f:1: checker.limits.max_in_flight: expected auto or a whole number from 1 to 16384, found "
       "`0`"},
      {"checker: {limits: {max_per_address: auto}}\n",
       "f:1: checker.limits.max_per_address: expected a whole number from 1 to 16384, found "
       "`auto`"},
      {"checker: {defaults: {gating: true}}\n", "f:1: checker.defaults.gating: unknown key"},
      {"checker: {defaults: {timeout: 6s}}\n",
       "f:1: checker.defaults.timeout: the timeout of 6s is longer than the interval of 5s"},
      {"probes:\n  p p: {type: tcp}\n",
       "f:2: probes.p p: expected a name of 1 to 64 letters, digits, _, . or -"},
      {"probes:\n  p: {}\n", "f:2: probes.p: expected a type, found none"},
      {"probes:\n  p: tcp\n", "f:2: probes.p: expected a map, found `tcp`"},
      {"probes:\n  tcp: {type: http}\n",
       "f:2: probes.tcp.type: expected tcp, which this built-in probe is, found `http`"},
      {"probes:\n  p: {type: tcp}\n  p: {type: tcp}\n",
       "f:3: probes.p: given twice, first in line 2"},
      {"a: [\n", "f:1: end of sequence flow not found"},
  };
  for (const auto& [text, sentence] : wrong) EXPECT_EQ(Wrong(text), sentence) << text;
}

TEST(WrongConfiguration, OfAProbe) {
  const std::pair<std::string, std::string> wrong[] = {
      {"type: ping", ".type: expected icmp, tcp, tls, http, https or dr, found `ping`"},
      {"type: tcp, intervall: 5s", ".intervall: unknown key; did you mean `interval`?"},
      {"type: tcp, interval: 5s, interval: 6s", ".interval: given twice, first in line 2"},
      {"type: tcp, interval: 100ms",
       ".interval: expected a duration from 200ms to 1h, found `100ms`"},
      {"type: tcp, interval: 2h", ".interval: expected a duration from 200ms to 1h, found `2h`"},
      {"type: tcp, timeout: 1ms", ".timeout: expected a duration from 10ms to 1h, found `1ms`"},
      {"type: tcp, timeout: 6s", ".timeout: the timeout of 6s is longer than the interval of 5s"},
      {"type: tcp, connect_timeout: 3s",
       ".connect_timeout: the connect_timeout of 3s is longer than the timeout of 2s"},
      {"type: tcp, fast_interval: 6s",
       ".fast_interval: the fast_interval of 6s is longer than the interval of 5s"},
      {"type: tcp, stale_after: 16s",
       ".stale_after: the stale_after of 16s is shorter than 17s, three times the longer of "
       "interval and down_interval and once the timeout"},
      {"type: tcp, stale_after: 17s, down_interval: 6s",
       ".stale_after: the stale_after of 17s is shorter than 20s, three times the longer of "
       "interval and down_interval and once the timeout"},
      {"type: tcp, fall: 0", ".fall: expected a whole number from 1 to 255, found `0`"},
      {"type: tcp, rise: 256", ".rise: expected a whole number from 1 to 255, found `256`"},
      {"type: tcp, jitter: 51%", ".jitter: expected a percentage from 0 to 50, found `51%`"},
      {"type: tcp, gating: yes", ".gating: expected true or false, found `yes`"},
      {"type: tcp, gating: \"true\"", ".gating: expected true or false, found the text \"true\""},
      {"type: tcp, port: 0", ".port: expected a whole number from 1 to 65535, found `0`"},
      {"type: tcp, port: 65536", ".port: expected a whole number from 1 to 65535, found `65536`"},
      {"type: tcp, port: 080", ".port: expected a whole number from 1 to 65535, found `080`"},
      {"type: tcp, port: -1", ".port: expected a whole number from 1 to 65535, found `-1`"},
      {"type: tcp, address: 10.1",
       ".address: expected an address or the name of a host, found `10.1`"},
      {"type: tcp, address: nobody", ".address: nobody: not known"},
      {"type: tcp, source: web", ".source: expected an IPv4 or IPv6 address, found `web`"},
      {"type: tcp, address: ::1, source: 10.0.0.1",
       ".source: not of the family of the probe's address"},
      {"type: tcp, interface: a/b", ".interface: expected the name of an interface, found `a/b`"},
      {"type: tcp, interface: interface0123456",
       ".interface: expected the name of an interface, found `interface0123456`"},
      {"type: tcp, mark: 0", ".mark: expected a mark from 1 to 4294967295 (0xffffffff), found `0`"},
      {"type: tcp, mark: 0x100000000",
       ".mark: expected a mark from 1 to 4294967295 (0xffffffff), found `0x100000000`"},
      {"type: tcp, mark: 0x",
       ".mark: expected a mark from 1 to 4294967295 (0xffffffff), found `0x`"},
      {"type: tcp, netns: ../x",
       ".netns: expected the name of a network namespace or its path, found `../x`"},
      {"type: tcp, ttl: 0", ".ttl: expected a whole number from 1 to 255, found `0`"},
      {"type: tcp, tos: 256", ".tos: expected a whole number from 0 to 255, found `256`"},
      {"type: tcp, close: no", ".close: expected fin or rst, found `no`"},
      {"type: icmp, close: rst",
       ".close: only for a probe of type tcp, tls, http and https, this one is icmp"},
      {"type: dr, connect_timeout: 1s",
       ".connect_timeout: only for a probe of type tcp, tls, http and https, this one is dr"},
      {"type: dr, mark: 7",
       ".mark: only for a probe of type icmp, tcp, tls, http and https, this one is dr"},
      {"type: dr, netns: blue",
       ".netns: only for a probe of type icmp, tcp, tls, http and https, this one is dr"},
      {"type: icmp, port: 80",
       ".port: only for a probe of type tcp, tls, http, https and dr, this one is icmp"},
      {"type: tcp, http: {}", ".http: only for a probe of type http and https, this one is tcp"},
      {"type: http, tls: {}", ".tls: only for a probe of type tls and https, this one is http"},
      {"type: tcp, icmp: {}", ".icmp: only for a probe of type icmp, this one is tcp"},
      {"type: icmp, icmp: {size: 15}",
       ".icmp.size: expected a whole number from 16 to 1400, found `15`"},
      {"type: http, http: {method: POST}", ".http.method: expected GET or HEAD, found `POST`"},
      {"type: http, http: {path: health}",
       ".http.path: expected a path such as /health, found `health`"},
      {"type: http, http: {path: \"/a\\r\\nb\"}",
       ".http.path: expected a path such as /health, found the text \"/a??b\""},
      {"type: http, http: {host: \"\"}",
       ".http.host: expected a host such as shop.example.org, found an empty text"},
      {"type: http, http: {host: http://web/}",
       ".http.host: expected a host such as shop.example.org, found `http://web/`"},
      {"type: http, http: {headers: {host: a}}",
       ".http.headers.host: this header is set by the probe itself"},
      {"type: http, http: {headers: {X-a: 1, x-A: 2}}",
       ".http.headers.x-A: the same header as X-a"},
      {"type: http, http: {headers: {\"a b\": 1}}", ".http.headers.a b: not the name of a header"},
      {"type: http, http: {headers: {a: \"b\\r\\nc: d\"}}",
       ".http.headers.a: expected the value of a header, found the text \"b??c: d\""},
      {"type: http, http: {version: 2}", ".http.version: expected 1.0 or 1.1, found `2`"},
      {"type: http, http: {expect_status: 2xx}",
       ".http.expect_status: expected a status from 100 to 599 or a range such as 200-299, found "
       "`2xx`"},
      {"type: http, http: {expect_status: [200, 299-200]}",
       ".http.expect_status[1]: expected a status from 100 to 599 or a range such as 200-299, "
       "found `299-200`"},
      {"type: http, http: {expect_status: []}",
       ".http.expect_status: expected at least one status, found an empty list"},
      {"type: http, http: {max_body: 1023}",
       ".http.max_body: expected a size from 1KiB to 1MiB, found `1023`"},
      {"type: http, http: {method: HEAD, expect_body: ok}",
       ".http.expect_body: the answer to HEAD has no body"},
      {"type: tls, tls: {sni: 10.0.0.1}",
       ".tls.sni: expected the name of a host, which an address is not, found `10.0.0.1`"},
      {"type: tls, tls: {min_version: 1.4}",
       ".tls.min_version: expected 1.0, 1.1, 1.2 or 1.3, found `1.4`"},
      {"type: tls, tls: {client_key: k.pem}",
       ".tls.client_key: expected client_cert and client_key, found one"},
      {"type: tls, tls: {alpn: [h2, h2]}", ".tls.alpn[1]: given twice"},
      {"type: tls, tls: {full_every: 0}",
       ".tls.full_every: expected a duration from 1s to 24h, found `0`"},
      {"type: tls, tls: {verify: no}", ".tls.verify: expected true or false, found `no`"},
  };
  for (const auto& [fields, sentence] : wrong) {
    EXPECT_EQ(WrongProbe(fields), "f:2: probes.p" + sentence) << fields;
  }
}

TEST(WrongConfiguration, OfAService) {
  const std::pair<std::string, std::string> wrong[] = {
      {"name: a", ": expected a match ({} is every service), found none"},
      {"match: ", ".match: expected a map, found nothing"},
      {"match: {port: 65536}",
       ".match.port: expected a whole number from 0 to 65535, found `65536`"},
      {"match: {proto: tcp}", ".match.proto: expected TCP, UDP, SCTP or FWM, found `tcp`"},
      {"match: {address: web}", ".match.address: expected an IPv4 or IPv6 address, found `web`"},
      {"match: {family: ip}", ".match.family: expected ipv4 or ipv6, found `ip`"},
      {"match: {mark: ten}",
       ".match.mark: expected a mark from 1 to 4294967295 (0xffffffff), found `ten`"},
      {"match: {mark: 10, port: 80}",
       ".match.port: not together with a mark, whose services have none"},
      {"match: {proto: FWM, address: 10.0.0.1}",
       ".match.address: not together with a mark, whose services have none"},
      {"match: {mark: 10, proto: TCP}",
       ".match.proto: not together with a mark, whose services are FWM"},
      {"match: {address: 10.0.0.1, family: ipv6}", ".match.family: not the family of the address"},
      {"match: {}, name: \"a\\nb\"",
       ".name: expected a name of at most 128 bytes without control characters, found the text "
       "\"a?b\""},
      {"match: {}, vip: 10.0.0.1", ".vip: only for a service whose match names a mark"},
      {"match: {mark: 10, family: ipv6}, vip: 10.0.0.1",
       ".vip: not of the family that the match names"},
      {"match: {mark: 10}, vip: [10.0.0.1, 10.0.0.1]", ".vip[1]: given twice"},
      {"match: {mark: 10}, vip: []", ".vip: expected at least one address, found an empty list"},
      {"match: {}, quorum: 0",
       ".quorum: expected a whole number from 1 to 1000000000000, found `0`"},
      {"match: {}, hysteresis: 1",
       ".hysteresis: expected less than the quorum, which is 1, found 1"},
      {"match: {}, probes: vip", ".probes: expected a list, found `vip`"},
      {"match: {}, probes: [vipp]",
       ".probes[0]: no probe has the name `vipp`; did you mean `vip`?"},
      {"match: {}, probes: [tcp, tcp]", ".probes[1]: given twice"},
      {"match: {mark: 10}, probes: [vip]",
       ".probes[0]: the dr probe vip cannot be run here without the vip of the service and the "
       "port of the probe"},
      {"match: {mark: 10}, vip: 10.0.0.1, probes: [vip]",
       ".probes[0]: the dr probe vip cannot be run here without the port of the probe"},
      {"match: {mark: 10}, probes: [vip80]",
       ".probes[0]: the dr probe vip80 cannot be run here without the vip of the service"},
      {"match: {proto: FWM}, probes: [vip80]",
       ".probes[0]: the dr probe vip80 cannot be run here without the mark in the match and the "
       "vip of the service"},
      {"match: {address: 10.0.0.1, port: 0, proto: TCP}, probes: [vip]",
       ".probes[0]: the dr probe vip cannot be run here without the port of the probe"},
      {"match: {}, backends: [{port: 80}]", ".backends[0]: expected an address, found none"},
      {"match: {}, backends: [{address: 10.1}]",
       ".backends[0].address: expected an address or the name of a host, found `10.1`"},
      {"match: {}, backends: [{address: nobody}]", ".backends[0].address: nobody: not known"},
      {"match: {}, backends: [{address: web, port: 0}]",
       ".backends[0].port: expected a whole number from 1 to 65535, found `0`"},
      {"match: {}, backends: [{address: web, weight: -1}]",
       ".backends[0].weight: expected a whole number from 0 to 2147483647, found `-1`"},
      {"match: {}, backends: [{address: web, role: spare}]",
       ".backends[0].role: expected real, backup or sorry, found `spare`"},
      {"match: {}, backends: [{address: web, accept_macs: [x]}]",
       ".backends[0].accept_macs[0]: expected a hardware address such as 02:00:5e:10:00:01, found "
       "`x`"},
      {"match: {}, backends: [{address: web, probes: [x]}]",
       ".backends[0].probes[0]: no probe has the name `x`"},
      {"match: {}, backends: [{address: web}, {address: 192.168.1.80}]",
       ".backends[1]: the same address and port as the backend in line 3"},
      {"match: {address: 10.0.0.1, port: 80, proto: TCP}, "
       "backends: [{address: web}, {address: web, port: 80}]",
       ".backends[1]: the same address and port as the backend in line 3"},
      {"match: {proto: TCP}, backends: [{address: web}, {address: web, port: 80}]",
       ".backends[1]: the same address as the backend in line 3, one with a port and one without: "
       "where the service has that port they would be one"},
      {"match: {}, backends: [{address: web, port: 80}, {address: web}]",
       ".backends[1]: the same address as the backend in line 3, one with a port and one without: "
       "where the service has that port they would be one"},
  };
  for (const auto& [fields, sentence] : wrong) {
    EXPECT_EQ(WrongService(fields), "f:3: services[0]" + sentence) << fields;
  }
}

TEST(WrongConfiguration, TwoRulesForOneService) {
  const auto both = [](const std::string& first, const std::string& second) {
    return "services:\n- match: {" + first + "}\n- match: {" + second + "}\n";
  };
  const std::string sentence = "f:3: services[1].match: the same service as in line 2";
  EXPECT_EQ(Wrong(both("mark: 10", "mark: 0xA")), sentence);
  EXPECT_EQ(Wrong(both("mark: 10", "mark: 10, family: ipv6")), sentence);
  EXPECT_EQ(Wrong(both("mark: 10, family: ipv4", "mark: 10")), sentence);
  EXPECT_EQ(Wrong(both("address: 10.0.0.1, port: 80, proto: TCP",
                       "proto: TCP, address: 10.0.0.1, port: 80, family: ipv4")),
            sentence);
  Read(both("mark: 10, family: ipv6", "mark: 10"));
  Read(both("address: 10.0.0.1, port: 80", "address: 10.0.0.1, port: 80"));
}

TEST(WrongConfiguration, AProbesMarkThatIsAServices) {
  EXPECT_EQ(Wrong("probes:\n  p: {type: tcp, mark: 0xA}\nservices: [{match: {mark: 10}}]\n"),
            "f:2: probes.p.mark: the mark 10 is that of a service, which would balance the probe "
            "itself");
}

TEST(WrongConfiguration, AnInheritedContradictionIsSaidWhereItCanBeChanged) {
  const std::string defaults = "checker:\n  defaults: {timeout: 2s, fast_interval: 2s}\n";
  EXPECT_EQ(Wrong(defaults + "probes:\n  p: {type: tcp, interval: 1s}\n"),
            "f:4: probes.p.interval: the timeout of 2s is longer than the interval of 1s");
  EXPECT_EQ(Wrong(defaults + "probes:\n  p: {type: tcp, interval: 1s, timeout: 1s}\n"),
            "f:4: probes.p.interval: the fast_interval of 2s is longer than the interval of 1s");
}

TEST(WrongConfiguration, TheFirstMistakeInTheFileIsSaid) {
  EXPECT_EQ(Wrong("services:\n- match: {}\n  quorum: 0\nchecker: {metrics_level: x}\n"),
            "f:3: services[0].quorum: expected a whole number from 1 to 1000000000000, found `0`");
  EXPECT_EQ(Wrong("probes:\n  a: {type: tcp, timeout: 9s}\n  b: {type: x}\n"),
            "f:2: probes.a.timeout: the timeout of 9s is longer than the interval of 5s");
  EXPECT_EQ(Wrong("probes:\n  a: {type: x, interval: 1}\n"),
            "f:2: probes.a.type: expected icmp, tcp, tls, http, https or dr, found `x`");
}

TEST(WrongConfiguration, OneMistakeMakesNoOther) {
  EXPECT_EQ(Wrong("services:\n- {match: {}, probes: [p]}\nprobes:\n  p: {type: x}\n"),
            "f:4: probes.p.type: expected icmp, tcp, tls, http, https or dr, found `x`");
  EXPECT_EQ(Wrong("services:\n- {match: {}, probes: [p]}\nprobes: []\n"),
            "f:3: probes: expected a map, found a list");
  EXPECT_EQ(Wrong("probes:\n  p: {type: tcp, timeout: 9s}\n"
                  "checker: {defaults: {interval: 10 s}}\n"),
            "f:3: checker.defaults.interval: expected a duration from 200ms to 1h, found `10 s`");
}

TEST(WrongConfiguration, WhatCannotBeLoadedIsSaidAtItsKey) {
  const std::string text =
      "probes:\n"
      "  a:\n"
      "    type: https\n"
      "    http:\n"
      "      expect_header:\n"
      "        X-A: (\n"
      "    tls:\n"
      "      ca_file: x\n";
  const std::pair<std::string, std::string> wrong[] = {
      {"tls.ca_file: x: no certificate", "f:8: probes.a.tls.ca_file: x: no certificate"},
      {"http.expect_header.X-A: missing )", "f:6: probes.a.http.expect_header.X-A: missing )"},
      {"tls.alpn: not possible", "f:7: probes.a.tls: tls.alpn: not possible"},
      {"no memory: at all", "f:2: probes.a: no memory: at all"},
      {"no memory", "f:2: probes.a: no memory"}};
  for (const auto& [trouble, sentence] : wrong) EXPECT_EQ(Wrong(text, trouble), sentence);
}

TEST(WrongConfiguration, OfStrangeBytesIsOneCleanLine) {
  const std::string sentence = Wrong("\"k\\n\\e[31m" + std::string(200, 'x') + "\": 1\n");
  EXPECT_EQ(sentence, "f:1: k??[31m" + std::string(53, 'x') + "...: unknown key");
}

TEST(ConfigurationFile, IsReadAndNamedByItsPath) {
  EXPECT_TRUE(ReadConfiguration(TemporaryFile("checker: {flap_threshold: 3}\n").path()).ok());
  const TemporaryFile file("checker:\n  flap: 3\n");
  const std::string& path = file.path();
  const auto wrong = ReadConfiguration(path);
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().message, path + ":2: checker.flap: unknown key");
}

TEST(ConfigurationFile, ThatIsMissingOrTooLargeIsSaid) {
  const auto missing = ReadConfiguration("/no/such/file.yml");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("/no/such/file.yml"));
  const auto large = ReadConfiguration(TemporaryFile(std::string((4 << 20) + 1, '#')).path());
  ASSERT_FALSE(large.ok());
  EXPECT_THAT(large.error().message, HasSubstr("larger than 4194304 bytes"));
}

}  // namespace
}  // namespace lvs
