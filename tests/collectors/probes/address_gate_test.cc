#include "collectors/probes/address_gate.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_kernel.h"

namespace lvs::probes {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

// Runs that wait at one gate; each that gets in leaves its name and keeps its ticket.
class Gate : public ::testing::Test {
 protected:
  void Come(std::string name, std::string_view address = "192.0.2.1",
            std::chrono::seconds patience = 60s) {
    asio::co_spawn(loop_, Enter(std::move(name), fake::Ip(address), Clock::now() + patience),
                   asio::detached);
    Settle();
  }
  void FirstLeaves() {
    tickets_.erase(tickets_.begin());
    Settle();
  }
  // Everything that can happen without time passing.
  void Settle() {
    loop_.restart();
    while (loop_.poll() > 0) {
    }
  }

  std::vector<std::string> inside_;
  std::vector<std::string> sent_away_;
  std::list<AddressGate::Ticket> tickets_;
  asio::io_context loop_{1};
  AddressGate gate_{loop_, 2};

 private:
  asio::awaitable<void> Enter(std::string name, Address address, Deadline deadline) {
    std::optional<AddressGate::Ticket> ticket = co_await gate_.Enter(address, deadline);
    if (!ticket.has_value()) {
      sent_away_.push_back(name);
      co_return;
    }
    inside_.push_back(name);
    tickets_.push_back(*std::move(ticket));
  }
};

using Names = std::vector<std::string>;

TEST_F(Gate, LetsInAsManyAsItMay) {
  for (const char* name : {"a", "b", "c"}) Come(name);
  EXPECT_EQ(inside_, (Names{"a", "b"}));
}

TEST_F(Gate, AddressesDoNotShareTheirPlaces) {
  for (const char* name : {"a", "b", "c"}) Come(name);
  Come("other", "192.0.2.2");
  EXPECT_EQ(inside_, (Names{"a", "b", "other"}));
}

TEST_F(Gate, WhoLeavesLetsTheFirstInWait) {
  for (const char* name : {"a", "b", "c", "d"}) Come(name);
  FirstLeaves();
  EXPECT_EQ(inside_, (Names{"a", "b", "c"}));
  FirstLeaves();
  EXPECT_EQ(inside_, (Names{"a", "b", "c", "d"}));
}

TEST_F(Gate, NobodyWaitsBeyondTheDeadline) {
  for (const char* name : {"a", "b"}) Come(name);
  Come("late", "192.0.2.1", 0s);
  loop_.restart();
  loop_.run();
  EXPECT_EQ(sent_away_, (Names{"late"}));
  FirstLeaves();
  Come("c");
  EXPECT_EQ(inside_, (Names{"a", "b", "c"}));
}

TEST_F(Gate, MorePlacesLetWaitingOnesIn) {
  for (const char* name : {"a", "b", "c", "d", "e"}) Come(name);
  gate_.set_most(4);
  Settle();
  EXPECT_EQ(inside_, (Names{"a", "b", "c", "d"}));
}

TEST_F(Gate, FewerPlacesSendNobodyAway) {
  for (const char* name : {"a", "b", "c"}) Come(name);
  gate_.set_most(1);
  FirstLeaves();
  EXPECT_EQ(inside_, (Names{"a", "b"}));
  FirstLeaves();
  EXPECT_EQ(inside_, (Names{"a", "b", "c"}));
}

TEST_F(Gate, LoopMayGoWhileSomebodyWaits) {
  for (const char* name : {"a", "b", "c", "d"}) Come(name);
  // The fixture is destroyed with two waiting and two inside.
}

TEST_F(Gate, LoopMayGoWhileSomebodyIsBeingLetIn) {
  for (const char* name : {"a", "b", "c"}) Come(name);
  tickets_.clear();  // and the loop never runs again
}

}  // namespace
}  // namespace lvs::probes
