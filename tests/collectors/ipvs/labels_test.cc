#include "collectors/ipvs/labels.h"

#include <gtest/gtest.h>

#include "tests/support/fake_kernel.h"
#include "tests/support/sample_table.h"

namespace lvs::ipvs {
namespace {

Table TableOf(std::vector<fake::Service> services) {
  Table table;
  for (const fake::Service& service : services) table.services.push_back(service.value());
  return table;
}

TEST(TableLabels, AreThoseOfNodeExporterWithTheFamily) {
  const Table table =
      TableOf({fake::Service("192.168.1.111:80/TCP").With(fake::Backend("192.168.1.102:8080"))});
  const TableLabels labels(table);
  EXPECT_EQ(labels.service(0),
            "local_address=\"192.168.1.111\",local_port=\"80\",proto=\"TCP\",local_mark=\"\","
            "address_family=\"ipv4\"");
  EXPECT_EQ(labels.backend(0, 0), std::string(labels.service(0)) +
                                      ",remote_address=\"192.168.1.102\",remote_port=\"8080\"");
}

TEST(TableLabels, AMarkServiceHasNoAddressAndEightHexDigits) {
  const TableLabels labels(TableOf({fake::Service("mark 8000000A ipv6")}));
  EXPECT_EQ(labels.service(0),
            "local_address=\"\",local_port=\"0\",proto=\"FWM\",local_mark=\"8000000A\","
            "address_family=\"ipv6\"");
}

TEST(TableLabels, Ipv6IsShortAndWithoutBrackets) {
  const TableLabels labels(TableOf({fake::Service("[2001:db8:0:0::1]:443/SCTP")}));
  EXPECT_EQ(labels.service(0),
            "local_address=\"2001:db8::1\",local_port=\"443\",proto=\"SCTP\",local_mark=\"\","
            "address_family=\"ipv6\"");
}

TEST(TableLabels, MatchOnlyTheSameKeysAtTheSamePlaces) {
  const fake::Service one = fake::Service("10.0.0.1:80/TCP").With(fake::Backend("10.1.0.1:80"));
  const fake::Service two = fake::Service("10.0.0.2:80/TCP").With(fake::Backend("10.1.0.1:80"));
  const fake::Service longer = fake::Service(one).With(fake::Backend("10.1.0.2:80"));
  const fake::Service other = fake::Service("10.0.0.1:80/TCP").With(fake::Backend("10.1.0.9:80"));
  const TableLabels labels(TableOf({one, two}));
  EXPECT_TRUE(labels.Match(TableOf({one, two})));
  EXPECT_TRUE(labels.Match(TableOf({fake::Service(one).Scheduler("sh"), two})));
  EXPECT_FALSE(labels.Match(TableOf({two, one})));
  EXPECT_FALSE(labels.Match(TableOf({one})));
  EXPECT_FALSE(labels.Match(TableOf({longer, two})));
  EXPECT_FALSE(labels.Match(TableOf({other, two})));
}

}  // namespace
}  // namespace lvs::ipvs
