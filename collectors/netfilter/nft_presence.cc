#include "collectors/netfilter/nft_presence.h"

#include <cstddef>
#include <fstream>
#include <string_view>
#include <utility>

#include "collectors/read_file.h"

namespace lvs::netfilter {
namespace {

constexpr std::size_t kMaxModules = 1 << 20;  // bytes
constexpr std::size_t kMaxSymbols = 64 << 20;

// Exported by nf_tables and nobody else (net/netfilter/nf_tables_api.c).
constexpr std::string_view kSymbol = " nft_register_expr";

// Lines begin with the module's name and a space.
bool HasModule(std::string_view modules, std::string_view name) {
  while (!modules.empty()) {
    const std::string_view line = modules.substr(0, modules.find('\n'));
    if (line.starts_with(name) && line.substr(name.size()).starts_with(' ')) return true;
    modules.remove_prefix(std::min(line.size() + 1, modules.size()));
  }
  return false;
}

}  // namespace

Result<bool> NftPresence::IsBuiltIn() const {
  std::ifstream symbols(procfs_ + "/kallsyms", std::ios::binary);
  std::string window;  // a chunk, and the end of the one before
  std::string chunk(1 << 16, '\0');
  std::size_t total = 0;
  while (total < kMaxSymbols) {
    symbols.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    const auto length = static_cast<std::size_t>(symbols.gcount());
    if (length == 0) break;
    total += length;
    window.erase(0, window.size() - std::min(window.size(), kSymbol.size()));
    window.append(chunk, 0, length);
    if (window.find(kSymbol) != std::string::npos) return true;
  }
  if (total > 0) return false;
  return Error{ErrorCode::kNotSupported,
               "cannot tell whether the kernel has nf_tables, and asking might load it: " +
                   procfs_ + "/kallsyms cannot be read"};
}

Result<bool> NftPresence::Read() {
  if (known_built_in_) return true;
  const Result<std::string> modules = ReadFile(procfs_ + "/modules", kMaxModules);
  if (modules.ok() && HasModule(modules.value(), "nf_tables")) return true;
  const bool none = !modules.ok() && modules.error().code == ErrorCode::kNotFound;
  if (none && ReadFile(procfs_ + "/sys/kernel/osrelease", kMaxModules).ok()) return true;
  if (known_not_built_in_) return false;
  const Result<bool> built_in = IsBuiltIn();
  if (built_in.ok()) (built_in.value() ? known_built_in_ : known_not_built_in_) = true;
  return built_in;
}

}  // namespace lvs::netfilter
