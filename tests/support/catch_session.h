#pragma once
// Catch2, version 2 or 3, as the programs see it that have a main() of their own: all of it. One
// source file of a program defines CATCH_CONFIG_RUNNER before, which version 3 does not need.

#if __has_include(<catch2/catch_all.hpp>)

#include <catch2/catch_all.hpp>

namespace Catch {

using TestEventListenerBase = EventListenerBase;

}  // namespace Catch

#else

#include <catch2/catch.hpp>

#endif
