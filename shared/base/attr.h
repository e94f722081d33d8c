/*
 * attr: what a declaration promises, said so that the compiler checks it.
 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#define NODISCARD       __attribute__((warn_unused_result))
#define NONNULL(...)    __attribute__((nonnull(__VA_ARGS__)))
#define NONNULL_ALL     __attribute__((nonnull))
#define PRINTF(fmt, va) __attribute__((format(printf, fmt, va)))
#define NORETURN        __attribute__((noreturn))
#define PURE            __attribute__((pure))

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
