// What the tables of checks are made of: the functions that look at one thing each.
#pragma once

#include "collectors/audit/check.h"
#include "collectors/audit/facts.h"

namespace lvs::audit {

// Marks (look_at_marks.cc).
void LookAtMarkServices(const Facts& facts, Notebook& notebook);
void LookAtMarkRules(const Facts& facts, Notebook& notebook);
void LookForLocalVips(const Facts& facts, Notebook& notebook);

// The network of the host (look_at_network.cc).
void LookAtForwarding(const Facts& facts, Notebook& notebook);
void LookAtRedirects(const Facts& facts, Notebook& notebook);
void LookAtArpIgnore(const Facts& facts, Notebook& notebook);
void LookAtArpAnnounce(const Facts& facts, Notebook& notebook);
void LookAtReversePath(const Facts& facts, Notebook& notebook);

// Settings of IPVS and its services (look_at_ipvs.cc).
void LookAtConnReuse(const Facts& facts, Notebook& notebook);
void LookAtExpireNodest(const Facts& facts, Notebook& notebook);
void LookAtExpireQuiescent(const Facts& facts, Notebook& notebook);
void LookAtPortZero(const Facts& facts, Notebook& notebook);
void LookAtFtp(const Facts& facts, Notebook& notebook);
void LookAtEstimation(const Facts& facts, Notebook& notebook);
void LookAtDefence(const Facts& facts, Notebook& notebook);
void LookAtBackupOnly(const Facts& facts, Notebook& notebook);
void LookAtSloppyTcp(const Facts& facts, Notebook& notebook);
void LookAtSyncRole(const Facts& facts, Notebook& notebook);
void LookAtTableSize(const Facts& facts, Notebook& notebook);

}  // namespace lvs::audit
