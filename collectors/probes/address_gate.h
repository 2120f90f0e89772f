// Limits how many runs may be past connect with one server at a time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <optional>

#include "collectors/address.h"
#include "collectors/clock.h"

namespace lvs::probes {

// First come, first served, for each address by itself. On the loop's one thread. Tickets and
// waiting runs may outlive the gate.
class AddressGate {
 private:
  struct State;

 public:
  // A place at an address, given back by the destructor.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();

   private:
    friend class AddressGate;
    Ticket(std::shared_ptr<State> state, const Address& address);

    std::shared_ptr<State> state_;  // null: moved from
    Address address_;
  };

  // most: places for each address, at least 1.
  AddressGate(boost::asio::io_context& loop, std::size_t most);
  ~AddressGate();
  AddressGate(const AddressGate&) = delete;
  AddressGate& operator=(const AddressGate&) = delete;

  // Waits for a place, at most until deadline; then nothing.
  boost::asio::awaitable<std::optional<Ticket>> Enter(Address address, Deadline deadline);

  // Lets waiting runs in where there is now room; runs that are inside stay.
  void set_most(std::size_t most);

 private:
  static boost::asio::awaitable<std::optional<Ticket>> EnterAt(std::shared_ptr<State> state,
                                                               Address address, Deadline deadline);

  const std::shared_ptr<State> state_;
};

}  // namespace lvs::probes
