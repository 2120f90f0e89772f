#include "exporter/configuration/director_section.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/audit/check_names.h"
#include "exporter/configuration/network_readers.h"

namespace lvs {
namespace {

using namespace std::chrono_literals;

// true or false, or auto, which is absent.
Reader AutomaticInto(std::optional<bool>& into) {
  return [&into](const YamlValue& value) {
    if (value.IsWord("auto")) {
      into.reset();
    } else if (value.IsWord("true") || value.IsWord("false")) {
      into = value.IsWord("true");
    } else {
      value.Expected("auto, true or false");
    }
  };
}

// A map from the names of VRRP instances to their virtual router ids.
Reader InstancesInto(std::map<std::string, unsigned>& into) {
  return [&into](const YamlValue& value) {
    const auto entries = value.Entries();
    for (const auto& [name, entry] : entries.value_or(std::vector<YamlEntry>())) {
      if (name.empty()) entry.Refuse("the name of a VRRP instance is empty");
      WholeInto(into[name], 1, 255)(entry);
    }
  };
}

Keys KeepalivedKeys(director::KeepalivedSettings& keepalived) {
  return {{"expected", AutomaticInto(keepalived.expected)},
          {"pid_file", FileInto(keepalived.pid_file)},
          {"notify_fifo", FileInto(keepalived.notify_fifo)},
          {"json_file", FileInto(keepalived.json_file)},
          {"signal", SwitchInto(keepalived.send_signal)},
          {"instances", InstancesInto(keepalived.instances)}};
}

// The name of a check.
Reader CheckInto(std::string& into) {
  return [&into](const YamlValue& value) {
    const std::string what = "the name of a check";
    const auto text = value.Text(what);
    if (!text) return;
    const std::vector<std::string_view> names = audit::CheckNames();
    if (std::ranges::find(names, *text) == names.end()) {
      value.Refuse("no check has the name `" + Shown(*text) + "`" + Suggestion(*text, names));
    }
    into = *text;
  };
}

Reader SubjectInto(std::optional<std::string>& into) {
  return [&into](const YamlValue& value) { into = value.Text("the subject of a finding"); };
}

void ReadAccepted(std::vector<audit::Accepted>& into, const YamlValue& value) {
  const auto items = value.List();
  for (const YamlValue& item : items.value_or(std::vector<YamlValue>())) {
    audit::Accepted& accepted = into.emplace_back();
    ReadMap(item,
            {{"check", CheckInto(accepted.check)}, {"subject", SubjectInto(accepted.subject)}});
    if (!item.At("check")) item.Refuse("expected a check, found none");
  }
}

}  // namespace

Keys DirectorKeys(director::Configuration& director) {
  return {{"directors", WholeInto(director.directors, 1, 100)},
          {"vips", AddressesInto(director.vips)},
          {"sync_daemon", AutomaticInto(director.sync_daemon)},
          Section("keepalived", KeepalivedKeys(director.keepalived))};
}

Keys AuditKeys(audit::Configuration& audit) {
  return {{"interval", DurationInto(audit.interval, 1s, 1h)},
          // The keys of its items are read by ReadAccepted; here are their names.
          {"accept",
           [&audit](const YamlValue& value) { ReadAccepted(audit.accepted, value); },
           {{"check", nullptr}, {"subject", nullptr}}}};
}

Keys RealServerKeys(realserver::Configuration& realserver) {
  return {{"vips", AddressesInto(realserver.vips)}};
}

}  // namespace lvs
