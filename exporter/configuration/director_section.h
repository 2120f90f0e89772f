// The sections director, audit and realserver of the configuration file: what this host is, and how
// it should be set up.
#pragma once

#include "collectors/audit/configuration.h"
#include "collectors/director/configuration.h"
#include "collectors/realserver/configuration.h"
#include "exporter/configuration/yaml_reader.h"

namespace lvs {

// The keys of each section. What they are read into must outlive them.
Keys DirectorKeys(director::Configuration& director);
Keys AuditKeys(audit::Configuration& audit);
Keys RealServerKeys(realserver::Configuration& realserver);

}  // namespace lvs
