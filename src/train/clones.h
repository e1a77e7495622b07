// Plain loops compiled for several CPUs; the loader picks the best that the machine has.
#pragma once

// A thread sanitizer's runtime is not up when resolvers of clones run.
#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_THREAD__)
#define EXPERTOIRE_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define EXPERTOIRE_CLONES
#endif

/// For the bodies that clones call: a function that is not inlined is not cloned.
#define EXPERTOIRE_INLINE [[gnu::always_inline]] inline
/// The same for a lambda, between its parameters and its body.
#define EXPERTOIRE_INLINE_BODY __attribute__((always_inline))
