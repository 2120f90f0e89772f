// Feeds text to the parser of /proc/net/udp and /proc/net/udp6, with a backup daemon of each
// family.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collectors/ipvs/proc_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using lvs::AddressFamily;
  using lvs::ipvs::SyncDaemon;
  SyncDaemon daemons[2];
  for (SyncDaemon& daemon : daemons) daemon.role = SyncDaemon::Role::kBackup;
  daemons[1].multicast_group = {AddressFamily::kIpv6, {0xff, 0x02}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    const auto drops = lvs::ipvs::ParseSyncReceiveDrops(text, family, daemons);
    if (!drops.ok() && drops.error().message.empty()) std::abort();
  }
  return 0;
}
