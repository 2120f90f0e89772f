#include "collectors/director/vrrp.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace lvs::director {
namespace {

using Json = nlohmann::json;

Error Malformed(std::string why) { return {ErrorCode::kMalformed, std::move(why)}; }

// A word of a line that keepalived writes for a state, and what the instance is in then.
struct StateWord {
  std::string_view word;
  std::optional<VrrpState> state;
};
// notify_fifo of keepalived 2.2.7 (lib/notify.c and vrrp_notify.c). After DELETED it does not
// exist.
constexpr StateWord kStateWords[] = {
    {"MASTER", VrrpState::kMaster},
    {"BACKUP", VrrpState::kBackup},
    {"FAULT", VrrpState::kFault},
    {"STOP", VrrpState::kInit},
    {"DELETED", std::nullopt},
    // Adverts of a lower priority were seen, or the priority changed: a master says so and stays
    // it.
    {"MASTER_RX_LOWER_PRI", VrrpState::kMaster},
    {"MASTER_PRIORITY", VrrpState::kMaster},
    {"BACKUP_PRIORITY", VrrpState::kBackup},
};

// Numbers of "state" in the JSON file: those of VrrpState, and two more (VRRP_STATE_* of vrrp.h).
constexpr unsigned kDeleted = 97;
constexpr unsigned kStop = 98;

// Takes the name between quotes from the front of text; absent when there is none. keepalived
// escapes nothing: the name ends at the last quote.
std::optional<std::string> TakeName(std::string_view& text) {
  if (text.empty() || text.front() != '"') return std::nullopt;
  const std::size_t end = text.rfind('"');
  if (end == 0) return std::nullopt;
  std::string name(text.substr(1, end - 1));
  text.remove_prefix(end + 1);
  return name;
}

std::string_view TakeWord(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

const StateWord* Find(std::string_view word) {
  for (const StateWord& known : kStateWords) {
    if (known.word == word) return &known;
  }
  return nullptr;
}

Result<std::optional<VrrpState>> StateOf(unsigned number) {
  if (number <= static_cast<unsigned>(VrrpState::kFault)) {
    return std::optional(static_cast<VrrpState>(number));
  }
  if (number == kStop) return std::optional(VrrpState::kInit);
  if (number == kDeleted) return std::optional<VrrpState>();
  return Malformed("state " + std::to_string(number) + " of an instance is unknown");
}

// A small number under a key of an object; absent when it is not there or is something else.
std::optional<unsigned> SmallNumber(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  const auto number = found->get<std::uint64_t>();
  if (number > 255) return std::nullopt;
  return static_cast<unsigned>(number);
}

Result<VrrpReport> ReportOf(const Json& instance) {
  const auto data = instance.is_object() ? instance.find("data") : instance.end();
  if (!instance.is_object() || data == instance.end() || !data->is_object()) {
    return Malformed("an instance without data");
  }
  const auto name = data->find("iname");
  if (name == data->end() || !name->is_string()) return Malformed("an instance without a name");
  const std::optional<unsigned> number = SmallNumber(*data, "state");
  if (!number) return Malformed("an instance without a state");
  const Result<std::optional<VrrpState>> state = StateOf(*number);
  if (!state.ok()) return state.error();
  return VrrpReport{name->get<std::string>(), SmallNumber(*data, "vrid"), state.value()};
}

}  // namespace

std::string_view Name(VrrpState state) {
  switch (state) {
    case VrrpState::kInit:
      return "init";
    case VrrpState::kBackup:
      return "backup";
    case VrrpState::kMaster:
      return "master";
    case VrrpState::kFault:
      break;
  }
  return "fault";
}

Result<std::optional<VrrpReport>> ParseNotifyLine(std::string_view line) {
  std::string_view rest = line;
  const std::string_view kind = TakeWord(rest);
  if (kind == "GROUP" || kind == "VS" || kind == "RS") return std::optional<VrrpReport>();
  if (kind != "INSTANCE") return Malformed("a line that is not about an instance or a group");
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  std::optional<std::string> name = TakeName(rest);
  if (!name || name->empty()) return Malformed("an instance without its name in quotes");
  const StateWord* const state = Find(TakeWord(rest));
  if (state == nullptr) return Malformed("an instance without a state that is known");
  return std::optional(VrrpReport{std::move(*name), std::nullopt, state->state});
}

Result<std::vector<VrrpReport>> ParseVrrpJson(std::string_view text) {
  const Json file = Json::parse(text, nullptr, false);
  if (file.is_discarded()) return Malformed("not JSON, or not all of it");
  const Json* instances = &file;
  if (file.is_object()) {
    const auto vrrp = file.find("vrrp");
    if (vrrp == file.end()) return Malformed("an object without \"vrrp\"");
    instances = &*vrrp;
  }
  if (!instances->is_array()) return Malformed("no array of instances");
  std::vector<VrrpReport> reports;
  for (const Json& instance : *instances) {
    Result<VrrpReport> report = ReportOf(instance);
    if (!report.ok()) return report.error();
    reports.push_back(std::move(report.value()));
  }
  return reports;
}

void Vrrp::Expect(const std::map<std::string, unsigned>& instances) {
  expected_ = instances;
  for (const auto& [name, vrid] : expected_) entries_[name].vrid = vrid;
  DropDeleted();
}

void Vrrp::DropDeleted() {
  if (expected_.empty()) return;
  std::erase_if(entries_, [this](const auto& entry) {
    return entry.second.state == VrrpState::kFault && !expected_.contains(entry.first);
  });
}

void Vrrp::Set(Entry& entry, VrrpState state) {
  // The first word on an instance is no transition.
  if (entry.state && *entry.state != state) ++entry.transitions[static_cast<std::size_t>(state)];
  entry.state = state;
}

void Vrrp::Tell(const VrrpReport& report) {
  if (!report.state) {
    if (!expected_.contains(report.name)) {
      entries_.erase(report.name);
      return;
    }
  }
  Entry& entry = entries_[report.name];
  if (report.vrid && !expected_.contains(report.name)) entry.vrid = report.vrid;
  Set(entry, report.state.value_or(VrrpState::kInit));
  DropDeleted();
}

void Vrrp::TellAll(const std::vector<VrrpReport>& reports) {
  std::map<std::string, const VrrpReport*> told;
  for (const VrrpReport& report : reports) told[report.name] = &report;
  std::erase_if(entries_, [&](const auto& entry) {
    return !told.contains(entry.first) && !expected_.contains(entry.first);
  });
  for (auto& [name, entry] : entries_) {
    if (!told.contains(name)) Set(entry, VrrpState::kInit);
  }
  for (const auto& [name, report] : told) Tell(*report);
}

void Vrrp::Stop() {
  for (auto& [name, entry] : entries_) Set(entry, VrrpState::kInit);
}

void Vrrp::Forget() {
  for (auto& [name, entry] : entries_) entry.state.reset();
}

bool Vrrp::KnowsAllExpected() const {
  return std::ranges::all_of(expected_, [this](const auto& expected) {
    const auto entry = entries_.find(expected.first);
    return entry != entries_.end() && entry->second.state;
  });
}

std::vector<VrrpInstance> Vrrp::instances() const {
  std::vector<VrrpInstance> known;
  for (const auto& [name, entry] : entries_) {
    if (entry.state) known.push_back({name, entry.vrid, *entry.state, entry.transitions});
  }
  return known;
}

}  // namespace lvs::director
