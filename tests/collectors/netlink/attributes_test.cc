#include "collectors/netlink/attributes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lvs::netlink {
namespace {

Bytes AsBytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string Message(const Result<void>& result) {
  return result.ok() ? "no error" : result.error().message;
}

TEST(AttributeReader, ReadsWhatTheWriterWrote) {
  AttributeWriter writer;
  writer.AddU8(1, 0x12);
  writer.AddU16(2, 0x1234);
  writer.AddU32(3, 0x12345678);
  writer.AddU64(4, 0x123456789abcdef0);
  writer.AddNetworkU16(5, 80);
  writer.AddText(6, "wlc");
  const std::size_t nest = writer.BeginNest(7);
  writer.AddU32(1, 42);
  writer.EndNest(nest);

  AttributeReader reader(writer.bytes());
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.type(), 1);
  EXPECT_EQ(reader.U8(), 0x12);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.U16(), 0x1234);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.U32(), 0x12345678u);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.U64(), 0x123456789abcdef0u);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.NetworkU16(), 80);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.Text(15), "wlc");
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.type(), 7);
  AttributeReader nested = reader.Nested();
  ASSERT_TRUE(nested.Next());
  EXPECT_EQ(nested.U32(), 42u);
  EXPECT_FALSE(nested.Next());
  EXPECT_FALSE(reader.Next());
  EXPECT_TRUE(reader.ok()) << Message(reader.result());
}

TEST(AttributeWriter, LaysBytesOutAsTheKernelDoes) {
  AttributeWriter writer;
  writer.AddNetworkU16(4, 53);
  const std::size_t nest = writer.BeginNest(1);
  writer.AddText(6, "rr");
  writer.EndNest(nest);
  // Little endian lengths and types, port in network order, NUL and padding behind the text.
  const std::string expected(
      "\x06\0\x04\0\0\x35\0\0"
      "\x0c\0\x01\0"
      "\x07\0\x06\0rr\0\0",
      20);
  const Bytes bytes = writer.bytes();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), expected);
}

TEST(AttributeWriter, StartsAgainAfterClear) {
  AttributeWriter writer;
  writer.AddU32(1, 1);
  writer.Clear();
  EXPECT_TRUE(writer.bytes().empty());
}

TEST(AttributeReader, MasksTheFlagBitsOfTheType) {
  const std::string bytes("\x08\0\x01\x80\x04\0\x02\x40",
                          8);  // nested 1, holding 2 in network order
  AttributeReader reader(AsBytes(bytes));
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.type(), 1);
  AttributeReader nested = reader.Nested();
  ASSERT_TRUE(nested.Next());
  EXPECT_EQ(nested.type(), 2);
}

TEST(AttributeReader, AcceptsALastAttributeWithoutPadding) {
  const std::string bytes("\x05\0\x01\0\x2a", 5);
  AttributeReader reader(AsBytes(bytes));
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.U8(), 42);
  EXPECT_FALSE(reader.Next());
  EXPECT_TRUE(reader.ok());
}

TEST(AttributeReader, WrongLengthIsAnErrorThatNamesTheAttribute) {
  AttributeWriter writer;
  writer.AddU16(9, 1);
  AttributeReader reader(writer.bytes());
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.U32(), 0u);
  EXPECT_EQ(Message(reader.result()), "attribute 9: expected 4 bytes, got 2");
  EXPECT_EQ(reader.result().error().code, ErrorCode::kMalformed);
}

TEST(AttributeReader, ErrorInANestNamesThePathAndStopsTheOuterReader) {
  AttributeWriter writer;
  const std::size_t nest = writer.BeginNest(1);
  writer.AddU32(4, 1);
  writer.EndNest(nest);
  writer.AddU32(2, 7);
  AttributeReader reader(writer.bytes());
  ASSERT_TRUE(reader.Next());
  {
    AttributeReader nested = reader.Nested();
    ASSERT_TRUE(nested.Next());
    nested.NetworkU16();
  }
  EXPECT_FALSE(reader.Next());
  EXPECT_EQ(Message(reader.result()), "attribute 1.4: expected 2 bytes, got 4");
}

TEST(AttributeReader, FirstErrorSticks) {
  AttributeWriter writer;
  writer.AddU16(1, 1);
  writer.AddU16(2, 1);
  AttributeReader reader(writer.bytes());
  ASSERT_TRUE(reader.Next());
  reader.Fail("something else");
  EXPECT_EQ(reader.U16(), 0);
  reader.U64();
  EXPECT_FALSE(reader.Next());
  EXPECT_EQ(Message(reader.result()), "attribute 1: expected something else");
}

TEST(AttributeReader, LengthBeyondTheMessageIsAnError) {
  const std::string bytes("\x09\0\x01\0aaaa", 8);
  AttributeReader reader(AsBytes(bytes));
  EXPECT_FALSE(reader.Next());
  EXPECT_EQ(Message(reader.result()),
            "attribute 1: expected a length that fits into the message, got 9");
}

TEST(AttributeReader, LengthSmallerThanItsHeaderIsAnError) {
  const std::string bytes("\x03\0\x01\0aaaa", 8);
  AttributeReader reader(AsBytes(bytes));
  EXPECT_FALSE(reader.Next());
  EXPECT_FALSE(reader.ok());
}

TEST(AttributeReader, StrayBytesBehindTheLastAttributeAreAnError) {
  const std::string bytes("\x04\0\x01\0\x01\x02", 6);
  AttributeReader reader(AsBytes(bytes));
  ASSERT_TRUE(reader.Next());
  EXPECT_FALSE(reader.Next());
  EXPECT_EQ(Message(reader.result()), "attributes: expected an attribute header of 4 bytes, got 2");
}

TEST(AttributeReader, DepthIsBounded) {
  const std::string bytes("\x04\0\x01\0", 4);
  std::string nested = bytes;
  for (int i = 0; i < 10; ++i) {
    const auto length = static_cast<char>(nested.size() + 4);
    nested = std::string({length, '\0', '\1', '\0'}) + nested;
  }
  AttributeReader level0(AsBytes(nested));
  ASSERT_TRUE(level0.Next());
  AttributeReader level1 = level0.Nested();
  ASSERT_TRUE(level1.Next());
  AttributeReader level2 = level1.Nested();
  ASSERT_TRUE(level2.Next());
  AttributeReader level3 = level2.Nested();
  ASSERT_TRUE(level3.Next());
  AttributeReader level4 = level3.Nested();
  EXPECT_FALSE(level4.Next());
  EXPECT_FALSE(level0.ok());
  EXPECT_EQ(Message(level0.result()), "attribute 1.1.1.1: expected fewer levels of nesting");
}

TEST(AttributeReader, TextMayLackItsNulAndIsBounded) {
  const std::string bytes("\x06\0\x01\0rr\0\0\x08\0\x02\0abcd", 16);
  AttributeReader reader(AsBytes(bytes));
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.Text(15), "rr");
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.Text(3), "");
  EXPECT_EQ(Message(reader.result()), "attribute 2: expected a text of fewer bytes, got 4");
}

TEST(AttributeReader, SkipsWhatNobodyAsksFor) {
  AttributeWriter writer;
  writer.Add(200, AsBytes(std::string(7, 'x')));
  writer.AddU32(1, 5);
  AttributeReader reader(writer.bytes());
  std::uint32_t value = 0;
  while (reader.Next()) {
    if (reader.type() == 1) value = reader.U32();
  }
  EXPECT_EQ(value, 5u);
  EXPECT_TRUE(reader.ok());
}

}  // namespace
}  // namespace lvs::netlink
