// The page at "/": services and backends for a person with a browser.
#pragma once

#include <string>
#include <string_view>

#include "collectors/audit/report.h"
#include "collectors/checker/snapshot.h"
#include "collectors/connections/snapshot.h"
#include "collectors/director/snapshot.h"
#include "collectors/ipvs/collector.h"

namespace lvs {

// What is known; each is null while it is not.
struct Known {
  const ipvs::LatestReading* latest = nullptr;  // may be without a table
  const checker::Snapshot* health = nullptr;
  const connections::Snapshot* connections = nullptr;
  const director::Snapshot* director = nullptr;
  const audit::Report* audit = nullptr;
};

// HTML with its own style and script and nothing from elsewhere; every value from outside is
// escaped. It is complete without the script, which only keeps it fresh. Its size is bounded,
// whatever the table's (selection.h). filter: what the reader asks for, as status::Filter takes it.
std::string StatusPage(const Known& known, const std::string& telemetry_path,
                       std::string_view filter = "", std::string_view nonce = "");

// What nobody can guess, for one page and its policy: 128 random bits of the kernel, in
// hexadecimal. (A hash of style and script would do, too, but OpenSSL takes 2 MB for the first
// one.)
std::string MakeNonce();

// The Content-Security-Policy (Level 3) that allows the page of this nonce its own style and
// script, asking this server again, and nothing else.
std::string StatusPagePolicy(std::string_view nonce);

}  // namespace lvs
