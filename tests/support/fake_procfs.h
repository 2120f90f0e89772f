// A temporary folder that stands in for /proc.
#pragma once

#include <string>
#include <string_view>

namespace lvs::fake {

// Made empty, removed with all its content by the destructor.
class Procfs {
 public:
  Procfs();
  ~Procfs();
  Procfs(const Procfs&) = delete;
  Procfs& operator=(const Procfs&) = delete;

  // Without a final slash.
  const std::string& root() const { return root_; }

  // path is below the root, such as "net/ip_vs"; its folders are made. Writing to a file that is
  // there changes its content, which a reader that has it open sees, as in /proc.
  void Write(std::string_view path, std::string_view content);
  void Remove(std::string_view path);

 private:
  std::string root_;
};

}  // namespace lvs::fake
