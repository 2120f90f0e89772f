// Which build this is. The facts come from CMake at configure time.
#pragma once

#include <string>

namespace lvs {

// The labels of ipvs_exporter_build_info.
struct BuildInfo {
  std::string version;
  std::string revision;  // of the git commit, "unknown" outside a checkout
  std::string branch;
  std::string date;  // of the build, 2026-11-22
  std::string compiler;
  std::string platform;  // "Linux/x86_64"
};

BuildInfo ThisBuild();

// The text of --version, in the form that Prometheus's own programs use.
std::string VersionText();

}  // namespace lvs
