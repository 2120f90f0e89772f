#include "collectors/probes/address_gate.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <map>
#include <utility>

namespace lvs::probes {
namespace {

// In the coroutine that waits, and in the list of its address while it does.
struct Waiter {
  boost::asio::steady_timer timer;
  bool admitted = false;  // whoever sets it has counted the place as taken
};

struct Door {
  std::size_t inside = 0;
  std::list<Waiter*> waiting;
};

}  // namespace

struct AddressGate::State {
  State(boost::asio::io_context& on, std::size_t places) : loop(on), most(places) {}

  // Lets in who waits at the address while there is room, and forgets an address nobody is at.
  void Admit(const Address& address) {
    const auto at = doors.find(address);
    if (at == doors.end()) return;
    Door& door = at->second;
    while (door.inside < most && !door.waiting.empty()) {
      Waiter* waiter = door.waiting.front();
      door.waiting.pop_front();
      ++door.inside;
      waiter->admitted = true;
      waiter->timer.cancel();
    }
    if (door.inside == 0 && door.waiting.empty()) doors.erase(at);
  }

  void Leave(const Address& address) {
    --doors.at(address).inside;
    Admit(address);
  }

  boost::asio::io_context& loop;
  std::size_t most;
  std::map<Address, Door> doors;
};

AddressGate::Ticket::Ticket(std::shared_ptr<State> state, const Address& address)
    : state_(std::move(state)), address_(address) {}

AddressGate::Ticket::Ticket(Ticket&& other) noexcept = default;

AddressGate::Ticket::~Ticket() {
  if (state_ != nullptr) state_->Leave(address_);
}

AddressGate::AddressGate(boost::asio::io_context& loop, std::size_t most)
    : state_(std::make_shared<State>(loop, std::max<std::size_t>(most, 1))) {}

AddressGate::~AddressGate() = default;

void AddressGate::set_most(std::size_t most) {
  state_->most = std::max<std::size_t>(most, 1);
  for (auto at = state_->doors.begin(); at != state_->doors.end();) {
    state_->Admit((at++)->first);  // may erase it
  }
}

boost::asio::awaitable<std::optional<AddressGate::Ticket>> AddressGate::Enter(Address address,
                                                                              Deadline deadline) {
  return EnterAt(state_, address, deadline);
}

boost::asio::awaitable<std::optional<AddressGate::Ticket>> AddressGate::EnterAt(
    std::shared_ptr<State> state, Address address, Deadline deadline) {
  Door& door = state->doors[address];
  if (door.inside < state->most && door.waiting.empty()) {
    ++door.inside;
    co_return Ticket(state, address);
  }

  // Destroyed with the coroutine at any moment, by whoever destroys the loop, it leaves no trace.
  struct Place {
    State& state;
    const Address& address;
    Waiter waiter;
    ~Place() {
      const auto at = state.doors.find(address);
      if (at == state.doors.end()) return;
      at->second.waiting.remove(&waiter);
      if (waiter.admitted) --at->second.inside;
    }
  };
  Place place{*state, address, {boost::asio::steady_timer(state->loop, deadline)}};
  door.waiting.push_back(&place.waiter);
  // Ended by the deadline or by Admit().
  co_await place.waiter.timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  if (!place.waiter.admitted) co_return std::nullopt;
  place.waiter.admitted = false;  // the ticket has it from here
  co_return Ticket(state, address);
}

}  // namespace lvs::probes
