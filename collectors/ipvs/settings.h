// The settings of IPVS, the files of /proc/sys/net/ipv4/vs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/ipvs/kept_file.h"
#include "collectors/ipvs/table.h"

namespace lvs::ipvs {

// Every name that a setting may have: the closed set of values of the name label.
std::vector<std::string_view> SysctlNames();

// The numbers of a setting's file, whose first line must have just as many as are wanted. False
// when text is anything else; what is in numbers then does not count.
bool ParseSetting(std::string_view text, std::span<std::int64_t> numbers);

// Reads the settings, about thirty files whose descriptors it keeps. One owner, one thread. They
// belong to the network namespace of the thread that read first.
class SettingFiles {
 public:
  // folder: usually "/proc/sys/net/ipv4/vs/", with its final slash.
  explicit SettingFiles(std::string folder);
  ~SettingFiles();

  // Overwrites sysctls but keeps its memory. A setting that is missing or is not a number is left
  // out: an older kernel, or an option that was not built.
  // Returns whether the estimator runs. False means that every service and backend counter stands
  // still: run_estimation (since 5.16) is 0, or est_cpulist (since 6.2) is empty. Absent when no
  // setting could be read.
  std::optional<bool> Read(std::vector<Sysctl>& sysctls);

  // To be called when the module is not there: the next Read looks for all files anew.
  void Close();

 private:
  struct File;

  void Open();
  bool ReadOpen(std::vector<Sysctl>& sysctls, std::optional<bool>& estimation_enabled);

  const std::string folder_;
  std::vector<File> files_;  // those that exist
  std::optional<KeptFile> estimation_cpus_;
  std::string buffer_;
};

}  // namespace lvs::ipvs
