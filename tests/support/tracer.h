#pragma once
// Kills a program at a chosen system call, exactly: every state that a program can die in lies
// between two of its system calls. Or lets one of its system calls fail.

#include <functional>

#include "support/process.h"

namespace lxcri::test {

enum class Victim {
    kCommand,     // the program itself
    kDescendant,  // whichever of the programs and children that it starts makes the call
};

struct Traced {
    bool killed = false;  // or had a call fail: the chosen call was reached
    long number = -1;     // which system call that was
    long calls = 0;       // of the victim's kind, as far as it came
    bool hung = false;    // the command did not end in time and was killed by us
    Finished command;     // without duration and usage
};

// Runs the command and kills the victim when it is about to make its system call number `cut`,
// counted from 1. With 0 it only counts.
Traced run_and_kill(const Strings& command, const CommandOptions& options, Victim victim, long cut);

// The victim's call number `cut` is not made, and fails with `error`. 0 as above.
Traced run_and_fail(const Strings& command, const CommandOptions& options, Victim victim, long cut,
                    int error);

// The command's calls of this number from the `nth` on, `times` of them, are not made and fail.
Traced run_and_fail_calls(const Strings& command, const CommandOptions& options, long system_call,
                          long nth, long times, int error);

// Does `action` when the program itself is about to make this system call, for the first or the
// `nth` time. With 0 it only counts them.
Traced run_and_interrupt(const Strings& command, const CommandOptions& options, long system_call,
                         const std::function<void()>& action, long nth = 1);

// About `count` numbers from 1 to `calls`, evenly; all of them with LXCRI_TEST_EVERY_CALL=1, one
// with LXCRI_TEST_CALL.
std::vector<long> choose_cuts(long calls, long count);

}  // namespace lxcri::test
