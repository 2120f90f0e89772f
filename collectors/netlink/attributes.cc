#include "collectors/netlink/attributes.h"

#include <arpa/inet.h>

#include <cassert>
#include <string>

namespace lvs::netlink {
namespace {

constexpr std::size_t kHeader = sizeof(nlattr);

constexpr std::size_t Aligned(std::size_t length) { return NLA_ALIGN(length); }

template <class T>
Bytes BytesOf(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

}  // namespace

AttributeReader::AttributeReader(AttributeReader& parent, Nest)
    : rest_(parent.ok() ? parent.value_ : Bytes()),
      depth_(parent.depth_ + 1),
      parent_(&parent),
      fault_(parent.fault_) {
  if (depth_ >= kMaxDepth) {
    parent.Fail("fewer levels of nesting");
    rest_ = {};
  }
}

std::uint16_t AttributeReader::NetworkU16() { return ntohs(U16()); }

std::string_view AttributeReader::Text(std::size_t max_length) {
  if (!ok() || value_.empty()) return {};
  const auto* text = reinterpret_cast<const char*>(value_.data());
  const std::size_t length = strnlen(text, value_.size());
  if (length > max_length) {
    Fail("a text of fewer bytes", kNoLength, length);
    return {};
  }
  return {text, length};
}

Bytes AttributeReader::Block(std::size_t length) {
  if (!ok()) return {};
  if (value_.size() != length) {
    Fail("bytes", length, value_.size());
    return {};
  }
  return value_;
}

void AttributeReader::Fail(const char* expected, std::size_t expected_length, std::size_t length) {
  if (!ok()) return;
  fault_->expected = expected;
  fault_->expected_length = expected_length;
  fault_->length = length;
  // Between attributes there is no number to name at this level.
  fault_->depth = std::min(depth_ + (type_ == 0 ? 0 : 1), kMaxDepth);
  for (const AttributeReader* level = this; level != nullptr; level = level->parent_) {
    if (level->depth_ < kMaxDepth) fault_->path[level->depth_] = level->type_;
  }
}

Result<void> AttributeReader::result() const {
  if (ok()) return {};
  std::string sentence = fault_->depth == 0 ? "attributes" : "attribute ";
  for (std::size_t level = 0; level < fault_->depth; ++level) {
    sentence += (level == 0 ? "" : ".") + std::to_string(fault_->path[level]);
  }
  sentence += ": expected ";
  if (fault_->expected_length != kNoLength) {
    sentence += std::to_string(fault_->expected_length) + " ";
  }
  sentence += fault_->expected;
  if (fault_->length != kNoLength) sentence += ", got " + std::to_string(fault_->length);
  return Error{ErrorCode::kMalformed, std::move(sentence)};
}

void AttributeWriter::AddHeader(std::uint16_t type, std::size_t value_length) {
  assert(value_length <= 0xffff - kHeader && "a 16-bit length");
  const nlattr header = {static_cast<std::uint16_t>(kHeader + value_length), type};
  const Bytes bytes = BytesOf(header);
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void AttributeWriter::Add(std::uint16_t type, Bytes value) {
  AddHeader(type, value.size());
  buffer_.insert(buffer_.end(), value.begin(), value.end());
  buffer_.resize(Aligned(buffer_.size()));
}

void AttributeWriter::AddU8(std::uint16_t type, std::uint8_t value) { Add(type, BytesOf(value)); }
void AttributeWriter::AddU16(std::uint16_t type, std::uint16_t value) { Add(type, BytesOf(value)); }
void AttributeWriter::AddU32(std::uint16_t type, std::uint32_t value) { Add(type, BytesOf(value)); }
void AttributeWriter::AddU64(std::uint16_t type, std::uint64_t value) { Add(type, BytesOf(value)); }

void AttributeWriter::AddNetworkU16(std::uint16_t type, std::uint16_t value) {
  AddU16(type, htons(value));
}

void AttributeWriter::AddText(std::uint16_t type, std::string_view value) {
  AddHeader(type, value.size() + 1);
  const Bytes bytes = std::as_bytes(std::span(value));
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  buffer_.push_back(std::byte{0});
  buffer_.resize(Aligned(buffer_.size()));
}

std::size_t AttributeWriter::BeginNest(std::uint16_t type) {
  const std::size_t begin = buffer_.size();
  AddHeader(type, 0);
  return begin;
}

void AttributeWriter::EndNest(std::size_t begin) {
  const std::size_t length = buffer_.size() - begin;
  assert(length <= 0xffff && "a 16-bit length");
  const auto short_length = static_cast<std::uint16_t>(length);
  std::memcpy(buffer_.data() + begin, &short_length, sizeof short_length);
}

}  // namespace lvs::netlink
