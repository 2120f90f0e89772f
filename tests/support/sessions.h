// What a scan of a small connection table finds.
#pragma once

#include <memory>

#include "collectors/connections/snapshot.h"
#include "collectors/ipvs/table.h"

namespace lvs {

// A persistent service 192.168.1.116:80 with two real servers, of which .103 is drained, and a
// plain one, 192.168.1.111:80.
std::shared_ptr<const ipvs::Table> TableWithSessions();

// A pass over the whole of its connection table, at level backend: of the persistent service five
// templates, of which two are on the drained server and one leads to a server that is gone, and
// three connections; of the other one connection.
connections::Snapshot SessionsOfAll();

// The same when only a half was read.
connections::Snapshot SessionsOfAHalf();

}  // namespace lvs
