// Pieces of HTML that the parts of the status page share, and numbers as people read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace lvs::status {

// text for any place between tags or between double quotes. Invalid UTF-8 and control characters
// become U+FFFD.
std::string Escape(std::string_view text);

// A name that others chose: what its letters do to the direction of writing stays inside.
std::string Isolated(std::string_view text);

// text as the value of a parameter in a link (RFC 3986, section 2.1).
std::string PercentEncode(std::string_view text);

// A state's word behind its sign, which differs in shape and not only in colour. state is one of
// our own words, as the metrics have them, or a name of kSigns.
std::string Badge(std::string_view state);
// The sign alone; the word must stand nearby.
std::string Sign(std::string_view state);
// The drawings that Badge and Sign refer to; once in a page.
std::string_view SignDrawings();

// An absolute time, which the page's script turns into "3 min ago" and, for a duration, "for
// 3 min".
std::string Moment(std::chrono::system_clock::time_point time);
std::string Since(std::chrono::system_clock::time_point time);

// "1 service", "2 services".
std::string Counted(std::uint64_t number, std::string_view one, std::string_view many);

// "98765", "1.2 million".
std::string ShortCount(std::uint64_t number);
// "987 B", "1.2 MB": powers of 1000.
std::string ShortBytes(std::uint64_t bytes);
// "33 %" for 0.333.
std::string Percent(double share);

}  // namespace lvs::status
