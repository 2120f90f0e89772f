// The files that the scanner reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "collectors/connections/classifier.h"
#include "collectors/connections/row_parser.h"
#include "collectors/descriptor.h"
#include "collectors/result.h"

namespace lvs::connections {

// The text of the connection table, as one pass reads it.
class RowSource {
 public:
  virtual ~RowSource() = default;

  virtual Format format() const = 0;

  // Puts the next bytes into buffer and gives their number; 0 at the end. The kernel gives at most
  // a page at a time. Errors: of the system, with the path.
  virtual Result<std::size_t> Read(std::span<char> buffer) = 0;
};

// A file of the table. One owner, one thread.
class TableFile : public RowSource {
 public:
  // procfs: usually "/proc". Opens net/ip_vs_conn_sync, which tells the origin and has nothing in
  // it that clients choose, or else net/ip_vs_conn.
  // Errors: kModuleAbsent where there is neither, otherwise those of FileError.
  static Result<std::unique_ptr<RowSource>> Open(const std::string& procfs);

  Format format() const override { return format_; }
  Result<std::size_t> Read(std::span<char> buffer) override;

 private:
  TableFile(std::string path, Descriptor file, Format format);

  const std::string path_;
  const Descriptor file_;
  const Format format_;
};

// How many entries the table has, from net/ip_vs_status: on Linux 7.1 and later, and only for root.
// The kernel walks all buckets for it: once in a pass, not in a scrape.
std::optional<std::uint64_t> ReadEntryCount(const std::string& procfs);

// Its text: the line "Conns:" (ip_vs_status_show() in ip_vs_ctl.c of Linux 7.1).
std::optional<std::uint64_t> ParseEntryCount(std::string_view text);

// What this machine's kernel and settings say; the usual where they cannot be read.
ClassifierRules ReadRules(const std::string& procfs);

// release: of uname(2), such as "6.1.0-25-amd64".
ClassifierRules::TemplateStates TemplateStatesOf(std::string_view release);

}  // namespace lvs::connections
