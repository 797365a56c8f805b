#pragma once
// The fields of those structures of config.json that are part of a plan as they are
// (translate/plan.h): for printing, sending and storing them, as handoff/codec.h says.

#include "oci/process.h"

namespace lxcri::oci {

template <class V>
void visit_fields(V& visit, Rlimit& limit) {
    visit("type", limit.type);
    visit("soft", limit.soft);
    visit("hard", limit.hard);
}

template <class V>
void visit_fields(V& visit, Scheduler& scheduler) {
    visit("policy", scheduler.policy);
    visit("nice", scheduler.nice);
    visit("priority", scheduler.priority);
    visit("flags", scheduler.flags);
    visit("runtime", scheduler.runtime);
    visit("deadline", scheduler.deadline);
    visit("period", scheduler.period);
}

template <class V>
void visit_fields(V& visit, IoPriority& priority) {
    visit("class", priority.class_);
    visit("priority", priority.priority);
}

}  // namespace lxcri::oci
