# A cross build for another architecture of Debian: `triplet` is set. The compiler is that of
# Debian's package g++-TRIPLET; what it links with is unpacked below LXCRI_SYSROOT, see
# `./dev test cross`.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LXCRI_SYSROOT)
set(LXCRI_SYSROOT "" CACHE PATH "an unpacked Debian of the other architecture")

string(REGEX REPLACE "-.*" "" architecture ${triplet})
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${architecture})
set(CMAKE_CXX_COMPILER ${triplet}-g++)
set(CMAKE_SYSROOT ${LXCRI_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_DIR} "")
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${LXCRI_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${LXCRI_SYSROOT}/usr/lib/${triplet}/pkgconfig:${LXCRI_SYSROOT}/usr/share/pkgconfig)

find_program(LXCRI_BUILD_CXX NAMES c++ g++ clang++ REQUIRED DOC "the compiler for this machine")
find_program(QEMU NAMES qemu-${architecture}-static qemu-${architecture})
if(QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${QEMU} -L ${LXCRI_SYSROOT})
endif()
