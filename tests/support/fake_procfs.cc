#include "tests/support/fake_procfs.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace lvs::fake {

Procfs::Procfs() : root_(std::filesystem::temp_directory_path() / "procfs-XXXXXX") {
  if (mkdtemp(root_.data()) == nullptr) throw std::runtime_error("cannot make " + root_);
}

Procfs::~Procfs() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

void Procfs::Write(std::string_view path, std::string_view content) {
  const std::filesystem::path file = std::filesystem::path(root_) / path;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::trunc) << content;
}

void Procfs::Remove(std::string_view path) {
  std::filesystem::remove_all(std::filesystem::path(root_) / path);
}

}  // namespace lvs::fake
