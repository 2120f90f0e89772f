#include "collectors/probes/own_address.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/support/network_namespaces.h"

namespace lvs::probes {
namespace {

using fake::Ip;

const std::vector<route::InterfaceAddress> kAddresses = {
    {Ip("192.168.1.100"), 2, 24}, {Ip("192.168.1.1"), 2, 24}, {Ip("192.168.1.9"), 3, 24},
    {Ip("10.0.0.129"), 2, 25},    {Ip("fe80::1"), 2, 64},     {Ip("fd00::1"), 2, 64}};

std::string Choice(const char* peer, int interface = 2) {
  const std::array vip = {Ip("192.168.1.100")};
  const auto chosen = ChooseSource(kAddresses, interface, Ip(peer), vip);
  return chosen ? ToString(*chosen) : "none";
}

TEST(ChooseSource, IsOfThePeersPrefixAndInterface) {
  EXPECT_EQ(Choice("192.168.1.2"), "192.168.1.1") << "the first is the VIP";
  EXPECT_EQ(Choice("192.168.1.2", 3), "192.168.1.9");
  EXPECT_EQ(Choice("192.168.2.2"), "none");
  EXPECT_EQ(Choice("192.168.1.2", 4), "none");
}

TEST(ChooseSource, PrefixesEndInsideBytes) {
  EXPECT_EQ(Choice("10.0.0.200"), "10.0.0.129");
  EXPECT_EQ(Choice("10.0.0.100"), "none");
}

TEST(ChooseSource, FamiliesAreKeptApart) {
  EXPECT_EQ(Choice("fd00::2"), "fd00::1");
  EXPECT_EQ(Choice("fe80::2"), "fe80::1");
}

TEST(ChooseSource, ImpossiblePrefixIsNone) {
  EXPECT_FALSE(ChooseSource({{Ip("192.168.1.1"), 2, 33}}, 2, Ip("192.168.1.1"), {}).has_value());
}

}  // namespace
}  // namespace lvs::probes
