#include "oci/state.h"

#include <nlohmann/json.hpp>

#include "support/catch.h"

using namespace lxcri::oci;

TEST_CASE("which operation is allowed in which status") {
    struct Row {
        Status status;
        bool start, kill, remove, exec, pause, resume;
    };
    const auto row = GENERATE(values<Row>({
        {Status::creating, false, false, false, false, false, false},
        {Status::created, true, true, true, true, true, false},
        {Status::running, false, true, false, true, true, false},
        {Status::paused, false, true, false, false, false, true},
        {Status::stopped, false, false, true, false, false, false},
    }));
    CAPTURE(status_name(row.status));
    CHECK(may_start(row.status) == row.start);
    CHECK(may_kill(row.status) == row.kill);
    CHECK(may_delete(row.status) == row.remove);
    CHECK(may_exec(row.status) == row.exec);
    CHECK(may_pause(row.status) == row.pause);
    CHECK(may_resume(row.status) == row.resume);
}

TEST_CASE("the state as JSON") {
    const State state{"1.2.0", "c1",         Status::running, 4711,
                      "/b",    {{"k", "v"}}, "/b/rootfs",     "2024-01-02T03:04:05.678Z",
                      "root"};
    CHECK(to_json(state) == R"({
  "ociVersion": "1.2.0",
  "id": "c1",
  "status": "running",
  "pid": 4711,
  "bundle": "/b",
  "rootfs": "/b/rootfs",
  "created": "2024-01-02T03:04:05.678Z",
  "owner": "root",
  "annotations": {
    "k": "v"
  }
})");
}

TEST_CASE("what the state does not have is left out") {
    const State state{"1.0.2", "c1", Status::stopped, 0, "/b", {}, "", "", ""};
    CHECK(to_json(state) == R"({
  "ociVersion": "1.0.2",
  "id": "c1",
  "status": "stopped",
  "bundle": "/b"
})");
}

TEST_CASE("a path that is no UTF-8 still gives JSON") {
    State state;
    state.bundle = "/b\xff\"\n";
    const auto json = nlohmann::json::parse(to_json(state));
    CHECK(json["bundle"] == "/b\xef\xbf\xbd\"\n");
}
