// From messages of nf_tables to mark rules.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

#include "collectors/netfilter/nft_ruleset.h"
#include "collectors/netfilter/walk.h"
#include "tests/collectors/netfilter/recorded.h"

namespace lvs::netfilter {

// As the reader does with what the kernel sends.
inline Result<Ruleset> Assemble(const std::vector<RecordedMessage>& messages) {
  NftRuleset ruleset;
  std::map<NftName, std::vector<NftElement>> elements;
  const auto add = [&](const char* kind, auto take) -> Result<void> {
    for (const RecordedMessage& message : messages) {
      if (message.kind != kind) continue;
      if (Result<void> taken = take(message.payload); !taken.ok()) return taken;
    }
    return {};
  };
  Result<void> done = add("table", [&](Bytes payload) { return ruleset.AddTable(payload); });
  if (done.ok()) done = add("chain", [&](Bytes payload) { return ruleset.AddChain(payload); });
  if (done.ok()) done = add("set", [&](Bytes payload) { return ruleset.AddSet(payload); });
  if (done.ok()) done = add("rule", [&](Bytes payload) { return ruleset.AddRule(payload); });
  if (done.ok()) {
    done = add("elements", [&](Bytes payload) -> Result<void> {
      Result<NftElements> more = DecodeElements(payload);
      if (!more.ok()) return more.error();
      auto& of_set = elements[more.value().set];
      of_set.insert(of_set.end(), more.value().elements.begin(), more.value().elements.end());
      return {};
    });
  }
  if (!done.ok()) return done.error();
  for (const NftName& set : ruleset.WantedSets()) ruleset.SetElements(set, elements[set]);
  return std::move(ruleset).Finish();
}

inline MarkRules MarksOf(const std::vector<RecordedMessage>& messages, AddressFamily family) {
  const Result<Ruleset> ruleset = Assemble(messages);
  EXPECT_TRUE(ruleset.ok()) << ruleset.error().message;
  return ruleset.ok() ? Walk(ruleset.value(), family) : MarkRules{};
}

}  // namespace lvs::netfilter
