#include "collectors/connections/row_parser.h"

#include <algorithm>

namespace lvs::connections {
namespace {

constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> MakeHexDigits() {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (unsigned i = 0; i < 10; ++i) digits['0' + i] = static_cast<std::uint8_t>(i);
  for (unsigned i = 0; i < 6; ++i) {
    digits['A' + i] = digits['a' + i] = static_cast<std::uint8_t>(10 + i);
  }
  return digits;
}
constexpr std::array<std::uint8_t, 256> kHexDigits = MakeHexDigits();

// Four hexadecimal digits at text, which has them; false when one is none.
bool FourDigits(const char* text, std::uint16_t& number) {
  unsigned all = 0;
  unsigned value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const unsigned digit = kHexDigits[static_cast<unsigned char>(text[i])];
    all |= digit;
    value = value << 4 | digit;
  }
  number = static_cast<std::uint16_t>(value);
  return all != kNoDigit;
}

// The blanks of a line come in runs.
class Words {
 public:
  explicit Words(std::string_view line) : at_(line.data()), end_(line.data() + line.size()) {}

  // The next word, empty at the end.
  std::string_view Next() {
    while (at_ != end_ && *at_ == ' ') ++at_;
    const char* const begin = at_;
    while (at_ != end_ && *at_ != ' ') ++at_;
    return {begin, static_cast<std::size_t>(at_ - begin)};
  }

 private:
  const char* at_;
  const char* const end_;
};

bool ParsePort(std::string_view word, std::uint16_t& port) {
  return word.size() == 4 && FourDigits(word.data(), port);
}

void PutGroup(Address& address, std::size_t group, std::uint16_t value) {
  address.bytes[2 * group] = static_cast<std::uint8_t>(value >> 8);
  address.bytes[2 * group + 1] = static_cast<std::uint8_t>(value);
}

// "C0000201", or eight groups of four digits, never shortened.
bool ParseTableAddress(std::string_view word, Address& address) {
  constexpr std::size_t kIpv4Size = 8;
  constexpr std::size_t kIpv6Size = 39;
  std::uint16_t value = 0;
  if (word.size() == kIpv4Size) {
    address.family = AddressFamily::kIpv4;
    for (std::size_t group = 0; group < 2; ++group) {
      if (!FourDigits(word.data() + 4 * group, value)) return false;
      PutGroup(address, group, value);
    }
    return true;
  }
  if (word.size() != kIpv6Size) return false;
  address.family = AddressFamily::kIpv6;
  for (std::size_t group = 0; group < 8; ++group) {
    const char* const at = word.data() + 5 * group;
    if (!FourDigits(at, value) || (group < 7 && at[4] != ':')) return false;
    PutGroup(address, group, value);
  }
  return true;
}

// Decimal digits only, at most max.
bool ParseDecimal(std::string_view word, std::uint64_t max, std::uint64_t& number) {
  constexpr std::size_t kMostDigits = 10;
  if (word.empty() || word.size() > kMostDigits) return false;
  number = 0;
  for (const char c : word) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return number <= max;
}

bool ParseProtocol(std::string_view word, std::uint8_t& protocol) {
  if (word == "TCP") return protocol = kTcpNumber, true;
  if (word == "UDP") return protocol = kUdpNumber, true;
  if (word == "IP") return protocol = kNoProtocol, true;
  if (word == "SCTP") return protocol = kSctpNumber, true;
  if (word == "ICMP") return protocol = 1, true;
  if (word == "ICMPv6") return protocol = 58, true;
  std::uint64_t number = 0;
  if (!word.starts_with("IP_") || !ParseDecimal(word.substr(3), 255, number)) return false;
  protocol = static_cast<std::uint8_t>(number);
  return true;
}

State ParseState(std::string_view word) {
  constexpr std::size_t kKernelWords = kStates - 1;
  for (std::size_t i = 0; i < kKernelWords; ++i) {
    if (kStateWords[i] == word) return static_cast<State>(i);
  }
  return State::kOther;
}

Origin ParseOrigin(std::string_view word) {
  if (word == "LOCAL") return Origin::kLocal;
  return word == "SYNC" ? Origin::kSync : Origin::kUnknown;
}

}  // namespace

std::optional<Row> ParseRow(std::string_view line, Format format) {
  Words words(line);
  std::optional<Row> row(std::in_place);
  if (!ParseProtocol(words.Next(), row->protocol)) return std::nullopt;
  Address client;
  if (!ParseTableAddress(words.Next(), client)) return std::nullopt;
  if (!ParsePort(words.Next(), row->client_port)) return std::nullopt;
  if (!ParseTableAddress(words.Next(), row->virtual_address)) return std::nullopt;
  if (!ParsePort(words.Next(), row->virtual_port)) return std::nullopt;
  if (!ParseTableAddress(words.Next(), row->destination)) return std::nullopt;
  if (!ParsePort(words.Next(), row->destination_port)) return std::nullopt;
  if (client.family != row->virtual_address.family) return std::nullopt;
  row->family = client.family;
  row->state = ParseState(words.Next());
  if (format == Format::kSync) row->origin = ParseOrigin(words.Next());
  std::uint64_t expires = 0;
  if (!ParseDecimal(words.Next(), UINT32_MAX, expires)) return std::nullopt;
  row->expires = static_cast<std::uint32_t>(expires);
  row->has_engine = format == Format::kPlain && !words.Next().empty();
  return row;
}

void RowParser::Keep(std::string_view part) {
  if (part.size() > kept_.size() - kept_size_) too_long_ = true;
  if (too_long_) return;
  std::ranges::copy(part, kept_.data() + kept_size_);
  kept_size_ += part.size();
}

void RowParser::Finish() {
  if (kept_size_ > 0 || too_long_) ++skipped_lines_;
  kept_size_ = 0;
  too_long_ = false;
}

}  // namespace lvs::connections
