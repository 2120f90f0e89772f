#include "collectors/ipvs/settings.h"

#include <algorithm>
#include <array>
#include <utility>

#include "collectors/ipvs/proc_text.h"

namespace lvs::ipvs {
namespace {

constexpr std::size_t kMaxSettingSize = 4096;

// A file of /proc/sys/net/ipv4/vs and the settings its numbers become.
struct SettingName {
  const char* file;
  std::array<std::string_view, 2> names;  // the second is empty for a file with one number
};

std::size_t CountOf(const SettingName& setting) { return setting.names[1].empty() ? 1 : 2; }

constexpr SettingName One(const char* name) { return {name, {name, ""}}; }

constexpr std::array kSettings = {
    One("am_droprate"),
    One("amemthresh"),
    One("backup_only"),
    One("cache_bypass"),
    One("conn_lfactor"),
    One("conn_max"),
    One("conn_reuse_mode"),
    One("conntrack"),
    One("debug_level"),
    One("drop_entry"),
    One("drop_packet"),
    One("est_nice"),
    One("expire_nodest_conn"),
    One("expire_quiescent_template"),
    One("ignore_tunneled"),
    One("nat_icmp_send"),
    One("pmtu_disc"),
    One("run_estimation"),
    One("schedule_icmp"),
    One("secure_tcp"),
    One("sloppy_sctp"),
    One("sloppy_tcp"),
    One("snat_reroute"),
    One("svc_lfactor"),
    One("sync_persist_mode"),
    One("sync_ports"),
    One("sync_qlen_max"),
    One("sync_refresh_period"),
    One("sync_retries"),
    One("sync_sock_size"),
    SettingName{"sync_threshold", {"sync_threshold", "sync_period"}},
    One("sync_version"),
};

std::string_view WithoutBlanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t\n") + 1);
}

}  // namespace

std::vector<std::string_view> SysctlNames() {
  std::vector<std::string_view> names;
  for (const SettingName& setting : kSettings) {
    for (const std::string_view name : setting.names) {
      if (!name.empty()) names.push_back(name);
    }
  }
  return names;
}

bool ParseSetting(std::string_view text, std::span<std::int64_t> numbers) {
  Lines lines(text);
  if (!lines.Next()) return false;
  for (std::int64_t& number : numbers) {
    if (!ParseNumber(lines.Word(), 10, number)) return false;
  }
  return lines.Word().empty();
}

struct SettingFiles::File {
  const SettingName* setting;
  KeptFile file;
};

SettingFiles::SettingFiles(std::string folder) : folder_(std::move(folder)) {}

SettingFiles::~SettingFiles() = default;

void SettingFiles::Close() {
  files_.clear();
  estimation_cpus_.reset();
}

std::optional<bool> SettingFiles::Read(std::vector<Sysctl>& sysctls) {
  std::optional<bool> estimation_enabled;
  if (!files_.empty() && ReadOpen(sysctls, estimation_enabled)) {
    return estimation_enabled;
  }
  // First reading, or the module was reloaded and every descriptor is stale.
  Open();
  ReadOpen(sysctls, estimation_enabled);
  return estimation_enabled;
}

void SettingFiles::Open() {
  files_.clear();
  for (const SettingName& setting : kSettings) {
    KeptFile file(folder_ + setting.file);
    if (file.Read(buffer_, kMaxSettingSize).ok()) {
      files_.push_back({&setting, std::move(file)});
    }
  }
  estimation_cpus_.emplace(folder_ + "est_cpulist");
  if (!estimation_cpus_->Read(buffer_, kMaxSettingSize).ok()) estimation_cpus_.reset();
}

// False when a file that could be opened cannot be read any more.
bool SettingFiles::ReadOpen(std::vector<Sysctl>& sysctls, std::optional<bool>& estimation_enabled) {
  std::size_t used = 0;
  const auto add = [&](std::string_view name, std::int64_t value) {
    if (used == sysctls.size()) sysctls.emplace_back();
    sysctls[used].name.assign(name);
    sysctls[used].value = value;
    ++used;
    if (name == "run_estimation" && value == 0) estimation_enabled = false;
  };
  bool readable = true;
  estimation_enabled.reset();
  if (!files_.empty()) estimation_enabled = true;
  for (File& setting : files_) {
    const Result<std::string_view> text = setting.file.Read(buffer_, kMaxSettingSize);
    readable = readable && text.ok();
    if (!text.ok()) continue;
    std::array<std::int64_t, 2> memory{};
    const std::span numbers = std::span(memory).first(CountOf(*setting.setting));
    if (!ParseSetting(text.value(), numbers)) continue;
    for (std::size_t i = 0; i < numbers.size(); ++i) add(setting.setting->names[i], numbers[i]);
  }
  sysctls.resize(used);
  if (estimation_cpus_.has_value()) {
    const Result<std::string_view> text = estimation_cpus_->Read(buffer_, kMaxSettingSize);
    readable = readable && text.ok();
    if (text.ok() && WithoutBlanks(text.value()).empty()) estimation_enabled = false;
  }
  return readable;
}

}  // namespace lvs::ipvs
