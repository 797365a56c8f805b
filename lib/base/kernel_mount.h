#pragma once
// The constants of mount(2) and of the calls that came after it. Before 2.36 glibc's <sys/mount.h>
// lacks the newer ones and cannot follow <linux/mount.h>: so no other file includes that one.

// clang-format off
#include <sys/mount.h>
#include <linux/mount.h>
// clang-format on

#ifndef MOUNT_ATTR_NOSYMFOLLOW  // Linux 5.14
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
