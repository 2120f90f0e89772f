#include "collectors/netfilter/nft_reader.h"

#include <netinet/in.h>
// After <netinet/in.h>, or both would define its types.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "collectors/netfilter/walk.h"

namespace lvs::netfilter {
namespace {

using netlink::Question;

constexpr int kTries = 3;
constexpr std::uint8_t kFamilies[] = {NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET, NFPROTO_NETDEV,
                                      NFPROTO_BRIDGE};
// An interval has two.
constexpr std::size_t kMaxElements = 2 * Conditions::kMaxRanges + 2;

Error Prefixed(const std::string& step, const Error& error) {
  return {error.code, "nf_tables: " + step + ": " + error.message};
}

}  // namespace

// EINVAL is also what nfnetlink says of a subsystem that it does not have; EPROTONOSUPPORT, that
// there is no nfnetlink; EAFNOSUPPORT, what nf_tables said before Linux 4.16 of a family whose
// module is not loaded.
Error NftReader::Explain(int number, std::uint16_t answer) {
  switch (number) {
    case EPERM:
    case EACCES:
      return {ErrorCode::kNoPermission, "permission denied: CAP_NET_ADMIN is needed"};
    case ENOENT:
      return {ErrorCode::kNotFound, "it does not exist"};
    case EPROTONOSUPPORT:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
      return {ErrorCode::kNotSupported, "the kernel does not have it"};
    case EINTR:
    case EAGAIN:
      return {ErrorCode::kInterrupted, "the list changed while it was read"};
    case EBUSY:
    case ENOBUFS:
      return {ErrorCode::kConnection, std::strerror(number)};
    default:
      break;
  }
  if (number == EINVAL && answer == NftType(NFT_MSG_NEWGEN)) {
    return {ErrorCode::kNotSupported, "the kernel does not have it"};
  }
  return {ErrorCode::kSystem, std::strerror(number)};
}

Result<std::uint32_t> NftReader::ReadGeneration() {
  std::optional<std::uint32_t> generation;
  const std::vector<std::byte> body = EncodeNftRequest(NFPROTO_UNSPEC);
  const Result<void> done =
      socket_.Exchange({NftType(NFT_MSG_GETGEN), NftType(NFT_MSG_NEWGEN), Question::kSingle, body},
                       [&](Bytes payload) -> Result<void> {
                         const Result<std::uint32_t> decoded = DecodeGeneration(payload);
                         if (!decoded.ok()) return decoded.error();
                         generation = decoded.value();
                         return {};
                       });
  if (!done.ok()) return done.error();
  if (!generation) return Error{ErrorCode::kMalformed, "the kernel's answer has no generation"};
  return *generation;
}

// A rule set that is too large is read as far as it is wanted. A family that the kernel does not
// have has nothing.
Result<void> NftReader::Dump(std::uint16_t request, std::uint16_t answer, NftRuleset& ruleset,
                             Add add) {
  for (const std::uint8_t family : kFamilies) {
    const std::vector<std::byte> body = EncodeNftRequest(family);
    const Result<void> done =
        socket_.Exchange({NftType(request), NftType(answer), Question::kDump, body},
                         [&](Bytes payload) -> Result<void> {
                           if (ruleset.full()) return Error{ErrorCode::kStopped, "enough"};
                           return (ruleset.*add)(payload);
                         });
    if (ruleset.full()) return {};
    if (!done.ok() && done.error().code != ErrorCode::kNotSupported) return done;
  }
  return {};
}

// Sets of more elements than any condition can have are not read to their end.
Result<void> NftReader::ReadElements(const NftName& set, NftRuleset& ruleset) {
  std::vector<NftElement> elements;
  const std::vector<std::byte> body = EncodeElementDump(set);
  const Result<void> done = socket_.Exchange(
      {NftType(NFT_MSG_GETSETELEM), NftType(NFT_MSG_NEWSETELEM), Question::kDump, body},
      [&](Bytes payload) -> Result<void> {
        Result<NftElements> more = DecodeElements(payload);
        if (!more.ok()) return more.error();
        for (NftElement& element : more.value().elements) elements.push_back(std::move(element));
        if (elements.size() > kMaxElements) return Error{ErrorCode::kStopped, "enough"};
        return {};
      });
  if (elements.size() > kMaxElements) {
    ruleset.SetElements(set, std::nullopt);
    return {};
  }
  if (!done.ok()) return done;
  ruleset.SetElements(set, std::move(elements));
  return {};
}

Result<Ruleset> NftReader::ReadRuleset() {
  NftRuleset ruleset;
  Result<void> done = Dump(NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE, ruleset, &NftRuleset::AddTable);
  if (!done.ok()) return Prefixed("list the tables", done.error());
  done = Dump(NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, ruleset, &NftRuleset::AddChain);
  if (!done.ok()) return Prefixed("list the chains", done.error());
  done = Dump(NFT_MSG_GETSET, NFT_MSG_NEWSET, ruleset, &NftRuleset::AddSet);
  if (!done.ok()) return Prefixed("list the sets", done.error());
  done = Dump(NFT_MSG_GETRULE, NFT_MSG_NEWRULE, ruleset, &NftRuleset::AddRule);
  if (!done.ok()) return Prefixed("list the rules", done.error());
  for (const NftName& set : ruleset.WantedSets()) {
    done = ReadElements(set, ruleset);
    // Gone meanwhile: the generation will tell.
    if (!done.ok() && done.error().code != ErrorCode::kNotFound) {
      return Prefixed("list the elements of " + Printable(set.name), done.error());
    }
  }
  return std::move(ruleset).Finish();
}

// Between one and the same generation before and after.
Result<void> NftReader::ReadAgain(std::uint32_t generation) {
  generation_.reset();
  for (int i = 0; i < kTries; ++i) {
    const Result<Ruleset> ruleset = ReadRuleset();
    if (!ruleset.ok() && ruleset.error().code != ErrorCode::kInterrupted) return ruleset.error();
    const Result<std::uint32_t> after = ReadGeneration();
    if (!after.ok()) return Prefixed("ask for the generation", after.error());
    if (ruleset.ok() && after.value() == generation) {
      last_ = {Walk(ruleset.value(), AddressFamily::kIpv4),
               Walk(ruleset.value(), AddressFamily::kIpv6)};
      generation_ = generation;
      return {};
    }
    generation = after.value();
  }
  return Error{ErrorCode::kInterrupted,
               "nf_tables: the rule set changed during each of three readings"};
}

// Loaded again, nf_tables counts its generations from the start and may come to the same number.
NftMarks NftReader::Gone() {
  generation_.reset();
  return {};
}

Result<NftMarks> NftReader::Read() {
  const Result<bool> there = presence_.Read();
  if (!there.ok()) return Prefixed("look for it", there.error());
  if (!there.value()) return Gone();
  const Result<std::uint32_t> generation = ReadGeneration();
  if (!generation.ok() && generation.error().code == ErrorCode::kNotSupported) return Gone();
  if (!generation.ok()) return Prefixed("ask for the generation", generation.error());
  if (generation_ != generation.value()) {
    if (Result<void> read = ReadAgain(generation.value()); !read.ok()) return read.error();
  }
  return last_;
}

}  // namespace lvs::netfilter
