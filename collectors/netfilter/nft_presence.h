// Whether the kernel has nf_tables, found out without loading it.
#pragma once

#include <string>

#include "collectors/result.h"

namespace lvs::netfilter {

// A request to a subsystem of nfnetlink that is not there makes the kernel load the module
// "nfnetlink-subsys-10" (nfnetlink_rcv_msg in net/netfilter/nfnetlink.c, Linux 6.1), and already
// the socket may load nfnetlink (netlink_create in net/netlink/af_netlink.c). nf_tables leaves no
// file below /proc/net or /proc/sys that would tell. What tells is, below procfs:
//   - modules: a module of that name;
//   - else kallsyms, where it is part of the kernel itself. It has some 100,000 lines, which takes
//     50 ms, so ask once: what is built in does not come or go;
//   - no modules, but sys/kernel/osrelease: a kernel that cannot load any. Asking is harmless.
// Errors (kNotSupported): the files that would tell are not there or cannot be read.
class NftPresence {
 public:
  // procfs: usually "/proc".
  explicit NftPresence(std::string procfs) : procfs_(std::move(procfs)) {}

  // True: ask it.
  Result<bool> Read();

 private:
  Result<bool> IsBuiltIn() const;

  const std::string procfs_;
  bool known_built_in_ = false;
  bool known_not_built_in_ = false;
};

}  // namespace lvs::netfilter
