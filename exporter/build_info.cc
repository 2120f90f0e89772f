#include "exporter/build_info.h"

#include <sys/utsname.h>

namespace lvs {
namespace {

constexpr char kCompiler[] =
#if defined(__clang__)
    "clang " __clang_version__;
#else
    "gcc " __VERSION__;
#endif

std::string Platform() {
  utsname name{};
  if (uname(&name) != 0) return "unknown";
  return std::string(name.sysname) + "/" + name.machine;
}

}  // namespace

BuildInfo ThisBuild() {
  return {IPVS_EXPORTER_VERSION,
          IPVS_EXPORTER_REVISION,
          IPVS_EXPORTER_BRANCH,
          IPVS_EXPORTER_DATE,
          kCompiler,
          Platform()};
}

std::string VersionText() {
  const BuildInfo build = ThisBuild();
  return "ipvs_exporter, version " + build.version + " (branch: " + build.branch +
         ", revision: " + build.revision + ")\n  build date: " + build.date +
         "\n  compiler:   " + build.compiler + "\n  platform:   " + build.platform + "\n";
}

}  // namespace lvs
