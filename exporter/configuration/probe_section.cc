#include "exporter/configuration/probe_section.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/configuration/duration.h"
#include "exporter/configuration/host.h"
#include "exporter/configuration/network_readers.h"

namespace lvs {
namespace {

using namespace std::chrono_literals;
using probes::Probe;
using probes::ProbeType;

constexpr ProbeType kBuiltIn[] = {ProbeType::kTcp, ProbeType::kIcmp};

// Printable ASCII without spaces.
bool IsVisible(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

bool IsWord(std::string_view text, std::string_view punctuation) {
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           punctuation.find(c) != punctuation.npos;
  });
}

bool IsProbeName(std::string_view text) { return text.size() <= 64 && IsWord(text, "_.-"); }

bool IsInterface(std::string_view text) {
  return text.size() <= 15 && IsVisible(text) && text.find('/') == text.npos;  // IFNAMSIZ
}

bool IsNetns(std::string_view text) {
  if (text.starts_with('/')) return IsVisible(text);
  return text.size() <= 255 && IsWord(text, "_.-") && text != "." && text != "..";
}

bool IsHttpPath(std::string_view text) {
  return text.starts_with('/') && IsVisible(text) && text.find('#') == text.npos;
}

bool IsHttpHost(std::string_view text) {
  return text.size() <= 255 && IsVisible(text) && text.find_first_of("/?#@") == text.npos;
}

bool IsServerName(std::string_view text) { return IsHostName(text); }

bool IsNameOrAddress(std::string_view text) {
  return IsHostName(text) || ParseAddress(std::string(text)).has_value();
}

bool IsAnyText(std::string_view text) { return text.find('\0') == text.npos; }

bool IsHeaderName(std::string_view text) { return IsWord(text, "!#$%&'*+-.^_`|~"); }  // RFC 9110

bool IsHeaderValue(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c >= ' ' && c != 0x7f; });
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::optional<probes::StatusRange> ParseStatusRange(std::string_view text) {
  const std::size_t dash = std::min(text.find('-'), text.size());
  const auto first = ParseWhole(text.substr(0, dash));
  const auto last = dash == text.size() ? first : ParseWhole(text.substr(dash + 1));
  if (!first || !last || *first < 100 || *last > 599 || *first > *last) return std::nullopt;
  return probes::StatusRange{static_cast<unsigned>(*first), static_cast<unsigned>(*last)};
}

Reader StatusInto(std::vector<probes::StatusRange>& into) {
  return [&into](const YamlValue& value) {
    const std::string what = "a status from 100 to 599 or a range such as 200-299";
    const auto items = value.ListOrOne();
    if (!items) return;
    if (items->empty()) return value.Refuse("expected at least one status, found an empty list");
    into.clear();
    for (const YamlValue& item : *items) {
      const auto text = item.Text(what);
      if (!text) continue;
      if (const auto range = ParseStatusRange(*text)) {
        into.push_back(*range);
      } else {
        item.Expected(what);
      }
    }
  };
}

// A map from the name of a header to some text. reserved: names, in lower case, that are not for
// the file.
Reader HeadersInto(std::map<std::string, std::string>& into, std::string_view what,
                   std::vector<std::string_view> reserved = {}) {
  return [&into, what, reserved](const YamlValue& value) {
    const auto entries = value.Entries();
    if (!entries) return;
    std::map<std::string, std::string> seen;  // in lower case, as they were written
    for (const auto& [name, entry] : *entries) {
      const auto [same, is_new] = seen.emplace(Lower(name), name);
      if (!IsHeaderName(name)) {
        entry.Refuse("not the name of a header");
      } else if (std::ranges::find(reserved, same->first) != reserved.end()) {
        entry.Refuse("this header is set by the probe itself");
      } else if (!is_new) {
        entry.Refuse("the same header as " + same->second);
      } else {
        TextInto(into[name], what, IsHeaderValue)(entry);
      }
    }
  };
}

void ReadAlpn(std::vector<std::string>& into, const YamlValue& value) {
  const auto items = value.ListOrOne();
  if (!items) return;
  for (const YamlValue& item : *items) {
    const std::string what = "the name of a protocol such as http/1.1";
    const auto name = item.Text(what);
    if (!name) continue;
    if (name->size() > 255 || !IsVisible(*name)) {
      item.Expected(what);
    } else if (std::ranges::find(into, *name) != into.end()) {
      item.Refuse("given twice");
    } else {
      into.push_back(*name);
    }
  }
}

Keys HttpKeys(probes::HttpOptions& http) {
  using Http = probes::HttpOptions;
  return {{"method",
           WordInto(http.method, {{"GET", Http::Method::kGet}, {"HEAD", Http::Method::kHead}})},
          {"path", TextInto(http.path, "a path such as /health", IsHttpPath)},
          {"host", TextInto(http.host, "a host such as shop.example.org", IsHttpHost)},
          {"headers", HeadersInto(http.headers, "the value of a header",
                                  {"host", "connection", "user-agent", "content-length",
                                   "transfer-encoding"})},
          {"version",
           WordInto(http.version, {{"1.0", Http::Version::k10}, {"1.1", Http::Version::k11}})},
          {"expect_status", StatusInto(http.expect_status)},
          {"expect_body", TextInto(http.expect_body, "a pattern", IsAnyText)},
          {"reject_body", TextInto(http.reject_body, "a pattern", IsAnyText)},
          {"expect_header", HeadersInto(http.expect_header, "a pattern")},
          {"max_body",
           [&http](const YamlValue& value) {
             const std::string what = "a size from 1KiB to 1MiB";
             const auto text = value.Text(what);
             if (!text) return;
             const std::optional<std::size_t> size = ParseSize(*text);
             if (!size || *size < 1024 || *size > 1024 * 1024) return value.Expected(what);
             http.max_body = *size;
           }},
          {"drain_status", StatusInto(http.drain_status)}};
}

Keys TlsKeys(probes::TlsOptions& tls) {
  using Version = probes::TlsOptions::Version;
  return {{"verify", SwitchInto(tls.verify)},
          {"ca_file", FileInto(tls.ca_file)},
          {"sni", TextInto(tls.sni, "the name of a host, which an address is not", IsServerName)},
          {"verify_name",
           TextInto(tls.verify_name, "the name of a host or an address", IsNameOrAddress)},
          {"min_version", WordInto(tls.min_version, {{"1.0", Version::k10},
                                                     {"1.1", Version::k11},
                                                     {"1.2", Version::k12},
                                                     {"1.3", Version::k13}})},
          {"alpn", [&tls](const YamlValue& value) { ReadAlpn(tls.alpn, value); }},
          {"client_cert", FileInto(tls.client_cert)},
          {"client_key", FileInto(tls.client_key)},
          {"resume", SwitchInto(tls.resume)},
          {"full_every", DurationInto(tls.full_every, 1s, 24h)}};
}

// A probe as the file gives it, before what is absent is filled in.
struct Draft {
  Probe probe;
  Schedule schedule;
  std::optional<ProbeType> type;
  std::optional<bool> gating;
  std::optional<probes::CloseMode> close;
};

void ReadJitter(std::optional<unsigned>& into, const YamlValue& value) {
  const std::string what = "a percentage from 0 to 50";
  const auto text = value.Text(what);
  if (!text) return;
  const std::string_view digits =
      text->ends_with('%') ? std::string_view(*text).substr(0, text->size() - 1) : *text;
  const auto percent = ParseWhole(digits);
  if (!percent || *percent > 50) return value.Expected(what);
  into = static_cast<unsigned>(*percent);
}

Keys ProbeKeys(Draft& draft, const Machine& machine) {
  Probe& probe = draft.probe;
  probes::SocketOptions& socket = probe.socket;
  Keys keys = {
      {"type", NameInto(draft.type, {ProbeType::kIcmp, ProbeType::kTcp, ProbeType::kTls,
                                     ProbeType::kHttp, ProbeType::kHttps, ProbeType::kDr})},
      {"gating", SwitchInto(draft.gating)},
      {"address",
       [&](const YamlValue& value) {
         probe.address = ReadHost(value, std::nullopt, machine.resolve);
       }},
      {"port", WholeInto(probe.port, 1, 65535)},
      {"source", AddressInto(socket.source)},
      {"interface", TextInto(socket.interface, "the name of an interface", IsInterface)},
      {"mark", MarkInto(socket.mark)},
      {"netns", TextInto(socket.netns, "the name of a network namespace or its path", IsNetns)},
      {"ttl", WholeInto(socket.ttl, 1, 255)},
      {"tos", WholeInto(socket.tos, 0, 255)},
      {"close",
       WordInto(draft.close, {{"fin", probes::CloseMode::kFin}, {"rst", probes::CloseMode::kRst}})},
      Section("icmp", {{"size", WholeInto(probe.icmp_size, 16, 1400)}}),
      Section("http", HttpKeys(probe.http)),
      Section("tls", TlsKeys(probe.tls))};
  std::ranges::move(ScheduleKeys(draft.schedule), std::back_inserter(keys));
  return keys;
}

// Puts what is given and what follows from it into the probe. A shorter interval shortens what may
// not be longer.
void Fill(const Schedule& schedule, Probe& probe) {
  const Probe usual;
  probe.interval = schedule.interval.value_or(usual.interval);
  probe.timeout = schedule.timeout.value_or(std::min(usual.timeout, probe.interval));
  probe.connect_timeout = schedule.connect_timeout.value_or(probe.timeout);
  probe.fast_interval =
      schedule.fast_interval.value_or(std::min(usual.fast_interval, probe.interval));
  probe.down_interval = schedule.down_interval.value_or(probe.interval);
  probe.stale_after = schedule.stale_after.value_or(
      3 * std::max(probe.interval, probe.down_interval) + probe.timeout);
  probe.fall = schedule.fall.value_or(usual.fall);
  probe.rise = schedule.rise.value_or(usual.rise);
  probe.initial_fall = schedule.initial_fall.value_or(probe.fall);
  probe.initial_rise = schedule.initial_rise.value_or(usual.initial_rise);
  probe.jitter = schedule.jitter.value_or(usual.jitter);
}

void Fill(const Draft& draft, Probe& probe) {
  Fill(draft.schedule, probe);
  probe.gating = draft.gating.value_or(probe.type != ProbeType::kIcmp);
  probe.close =
      draft.close.value_or(HasHttp(probe.type) ? probes::CloseMode::kFin : probes::CloseMode::kRst);
  if (probe.type == ProbeType::kDr && !probe.socket.ttl) probe.socket.ttl = 1;
}

// Complains at the first of the keys that the map has; at the map itself when it has none.
void RefuseAt(const YamlValue& value, std::initializer_list<std::string_view> keys,
              const std::string& sentence) {
  for (const std::string_view key : keys) {
    if (const auto at = value.At(key)) return at->Refuse(sentence);
  }
  value.Refuse(sentence);
}

bool Connects(ProbeType type) { return type == ProbeType::kTcp || HasTls(type) || HasHttp(type); }
bool IsIcmp(ProbeType type) { return type == ProbeType::kIcmp; }
bool HasPort(ProbeType type) { return !IsIcmp(type); }
// A dr probe sends frames, which have no mark, on an interface of the director's own namespace.
bool HasSocketOfItsOwn(ProbeType type) { return type != ProbeType::kDr; }

// Keys that mean nothing for some types.
void CheckFitsType(const YamlValue& value, ProbeType type) {
  struct Fit {
    std::string_view key;
    bool (*fits)(ProbeType);
    std::string_view where;
  };
  constexpr Fit kFits[] = {{"http", [](ProbeType t) { return HasHttp(t); }, "http and https"},
                           {"tls", [](ProbeType t) { return HasTls(t); }, "tls and https"},
                           {"icmp", IsIcmp, "icmp"},
                           {"port", HasPort, "tcp, tls, http, https and dr"},
                           {"mark", HasSocketOfItsOwn, "icmp, tcp, tls, http and https"},
                           {"netns", HasSocketOfItsOwn, "icmp, tcp, tls, http and https"},
                           {"close", Connects, "tcp, tls, http and https"},
                           {"connect_timeout", Connects, "tcp, tls, http and https"}};
  for (const Fit& fit : kFits) {
    const auto at = value.At(fit.key);
    if (!at || fit.fits(type)) continue;
    at->Refuse("only for a probe of type " + std::string(fit.where) + ", this one is " +
               std::string(Name(type)));
  }
}

void CheckContradictions(const YamlValue& value, const Probe& probe) {
  if (probe.address && probe.socket.source &&
      probe.address->family != probe.socket.source->family) {
    RefuseAt(value, {"source"}, "not of the family of the probe's address");
  }
  const auto http = value.At("http");
  if (http && probe.http.method == probes::HttpOptions::Method::kHead) {
    for (const std::string_view key : {"expect_body", "reject_body"}) {
      if (const auto at = http->At(key)) at->Refuse("the answer to HEAD has no body");
    }
  }
  const auto tls = value.At("tls");
  if (tls && probe.tls.client_cert.empty() != probe.tls.client_key.empty()) {
    RefuseAt(*tls, {"client_cert", "client_key"}, "expected client_cert and client_key, found one");
  }
}

// Where "tls.ca_file" is, or what of it there is.
YamlValue Deepest(YamlValue value, std::string_view path) {
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const auto next = value.At(path.substr(0, dot));
    if (!next) break;
    value = *next;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return value;
}

checker::ProbePointer Prepare(const Probe& probe, const YamlValue& value, const Machine& machine) {
  const Result<checker::ProbePointer> prepared = machine.prepare(probe);
  if (prepared.ok()) return prepared.value();
  // "tls.ca_file: sentence"
  const std::string& message = prepared.error().message;
  const std::size_t colon = message.find(": ");
  const bool has_key = colon != message.npos && IsVisible(message.substr(0, colon));
  if (!has_key) {
    value.Refuse(message);
    return nullptr;
  }
  const YamlValue place = Deepest(value, message.substr(0, colon));
  // What is not in the file, such as the system's bundle, keeps its key in the sentence.
  const bool is_there = place.path() == value.path() + "." + message.substr(0, colon);
  place.Refuse(is_there ? message.substr(colon + 2) : message);
  return nullptr;
}

// What zero configuration probes with, on the file's defaults.
NamedProbe BuiltIn(ProbeType type, const Schedule& defaults, const YamlValue& place,
                   const Machine& machine) {
  Draft draft;
  draft.schedule = defaults;
  draft.probe.name = Name(type);
  draft.probe.type = type;
  Fill(draft, draft.probe);
  return {draft.probe, Prepare(draft.probe, place, machine), std::nullopt};
}

// The type that a probe has because it redefines a built-in one.
std::optional<ProbeType> TypeByName(std::string_view name) {
  const auto type = std::ranges::find(kBuiltIn, name, [](ProbeType t) { return Name(t); });
  return type == std::end(kBuiltIn) ? std::nullopt : std::optional(*type);
}

NamedProbe ReadProbe(const std::string& name, const YamlValue& value,
                     const std::optional<Schedule>& defaults, const Machine& machine) {
  const std::size_t complaints = value.complaints().count();
  NamedProbe named{{}, nullptr, value};
  if (!IsProbeName(name)) {
    value.Refuse("expected a name of 1 to 64 letters, digits, _, . or -");
  }
  Draft draft;
  draft.schedule = defaults.value_or(Schedule());
  ReadMap(value, ProbeKeys(draft, machine));
  if (value.complaints().count() != complaints) return named;

  const std::optional<ProbeType> expected = TypeByName(name);
  if (!draft.type && !expected) {
    value.Refuse("expected a type, found none");
    return named;
  }
  if (draft.type && expected && *draft.type != *expected) {
    value.At("type")->Expected(name + ", which this built-in probe is");
    return named;
  }
  draft.probe.name = name;
  draft.probe.type = draft.type ? *draft.type : *expected;
  Fill(draft, draft.probe);
  CheckFitsType(value, draft.probe.type);
  if (defaults) CheckSchedule(value, draft.schedule);
  CheckContradictions(value, draft.probe);
  named.probe = std::move(draft.probe);
  if (value.complaints().count() == complaints) {
    named.prepared = Prepare(named.probe, value, machine);
  }
  return named;
}

}  // namespace

Keys ScheduleKeys(Schedule& schedule) {
  return {{"interval", DurationInto(schedule.interval, 200ms, 1h)},
          {"timeout", DurationInto(schedule.timeout, 10ms, 1h)},
          {"connect_timeout", DurationInto(schedule.connect_timeout, 10ms, 1h)},
          {"fall", WholeInto(schedule.fall, 1, 255)},
          {"rise", WholeInto(schedule.rise, 1, 255)},
          {"initial_fall", WholeInto(schedule.initial_fall, 1, 255)},
          {"initial_rise", WholeInto(schedule.initial_rise, 1, 255)},
          {"fast_interval", DurationInto(schedule.fast_interval, 200ms, 1h, Zero::kOff)},
          {"down_interval", DurationInto(schedule.down_interval, 200ms, 1h)},
          {"jitter", [&](const YamlValue& value) { ReadJitter(schedule.jitter, value); }},
          {"stale_after", DurationInto(schedule.stale_after, 610ms, 24h)}};
}

void CheckSchedule(const YamlValue& value, const Schedule& schedule) {
  Probe probe;
  Fill(schedule, probe);
  const auto longer = [](std::string_view a, std::chrono::milliseconds a_value, std::string_view b,
                         std::chrono::milliseconds b_value) {
    return "the " + std::string(a) + " of " + DurationText(a_value) + " is longer than the " +
           std::string(b) + " of " + DurationText(b_value);
  };
  if (probe.timeout > probe.interval) {
    RefuseAt(value, {"timeout", "interval"},
             longer("timeout", probe.timeout, "interval", probe.interval));
  }
  if (probe.connect_timeout > probe.timeout) {
    RefuseAt(value, {"connect_timeout", "timeout", "interval"},
             longer("connect_timeout", probe.connect_timeout, "timeout", probe.timeout));
  }
  if (probe.fast_interval > probe.interval) {
    RefuseAt(value, {"fast_interval", "interval"},
             longer("fast_interval", probe.fast_interval, "interval", probe.interval));
  }
  const auto least = 3 * std::max(probe.interval, probe.down_interval) + probe.timeout;
  if (probe.stale_after < least) {
    RefuseAt(value, {"stale_after", "down_interval", "interval", "timeout"},
             "the stale_after of " + DurationText(probe.stale_after) + " is shorter than " +
                 DurationText(least) +
                 ", three times the longer of interval and down_interval and once the timeout");
  }
}

ProbeSet ReadProbes(const std::optional<YamlValue>& section, const YamlValue& place,
                    const std::optional<Schedule>& defaults, const Machine& machine) {
  ProbeSet set;
  if (section) {
    const auto entries = section->Entries();
    set.is_complete = entries.has_value();
    for (const auto& [name, value] : entries.value_or(std::vector<YamlEntry>())) {
      set.by_name.emplace(name, ReadProbe(name, value, defaults, machine));
    }
  }
  for (const ProbeType type : kBuiltIn) {
    if (set.by_name.contains(Name(type))) continue;
    set.by_name.emplace(Name(type), BuiltIn(type, defaults.value_or(Schedule()), place, machine));
  }
  return set;
}

std::vector<std::string> ProbeKeyPaths() {
  Draft draft;
  return PathsOf(ProbeKeys(draft, Machine()));
}

}  // namespace lvs
