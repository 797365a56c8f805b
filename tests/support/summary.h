#pragma once
// Counts test cases and prints, as the last line of a test program,
//   N passed, N failed, N skipped
// The same line is appended to the file LXCRI_TEST_SUMMARY, for a sum over programs.

#include <string>
#include <string_view>

namespace lxcri::test {

// The test case that runs now.
const std::string& current_test();
void skip_test(std::string_view reason);       // a need is missing
void not_applicable(std::string_view reason);  // says nothing here; counted nowhere

// Opens that file, before anything can be in the way.
void open_summary();

// Prints the summary; `more_failures` are those that no test case counted. Returns the exit
// status: 1 when something failed.
int print_summary(int catch_result, int more_failures = 0);

}  // namespace lxcri::test
