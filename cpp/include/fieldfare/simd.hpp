// Lanes: N floats handled at once, through compiler vector types or, with FIELDFARE_PLAIN_SIMD,
// through ordinary loops of the same names. This is the only file that may hold intrinsics.
//
// Everything is inside a namespace named after the instruction set, so that the linker can never
// hand code compiled for a newer processor to an older one.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if !defined(FIELDFARE_PLAIN_SIMD) && defined(__SSE2__)
#include <immintrin.h>
#endif

#ifndef FIELDFARE_ISA
#error "FIELDFARE_ISA must name the instruction set that this file is compiled for"
#endif

#define FIELDFARE_INLINE [[gnu::always_inline]] inline

namespace fieldfare::FIELDFARE_ISA {

#ifdef FIELDFARE_PLAIN_SIMD

template <int N>
struct Lanes {
  float at[N];
};

#define FIELDFARE_LANE_OPERATOR(op)                               \
  template <int N>                                                \
  FIELDFARE_INLINE Lanes<N> operator op(Lanes<N> a, Lanes<N> b) { \
    for (int i = 0; i < N; ++i) a.at[i] = a.at[i] op b.at[i];     \
    return a;                                                     \
  }
FIELDFARE_LANE_OPERATOR(+)
FIELDFARE_LANE_OPERATOR(-)
FIELDFARE_LANE_OPERATOR(*)
FIELDFARE_LANE_OPERATOR(/)
#undef FIELDFARE_LANE_OPERATOR

template <int N>
FIELDFARE_INLINE Lanes<N> broadcast(float x) {
  Lanes<N> lanes;
  for (int i = 0; i < N; ++i) lanes.at[i] = x;
  return lanes;
}

template <int N>
FIELDFARE_INLINE Lanes<N> square_root(Lanes<N> x) {
  for (int i = 0; i < N; ++i) x.at[i] = std::sqrt(x.at[i]);
  return x;
}

template <int N>
FIELDFARE_INLINE float sum(Lanes<N> x) {
  for (int half = N / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) x.at[i] += x.at[i + half];
  }
  return x.at[0];
}

#else

template <int N>
struct LanesOf {
  typedef float type __attribute__((vector_size(N * sizeof(float))));
};
template <int N>
using Lanes = typename LanesOf<N>::type;

template <int N>
FIELDFARE_INLINE Lanes<N> broadcast(float x) {
  return x - Lanes<N>{};  // and not + x: that would turn -0 into 0, which costs an instruction
}

template <int N>
FIELDFARE_INLINE Lanes<N> square_root(Lanes<N> x) {
#if defined(__AVX__)
  if constexpr (N == 8) return (Lanes<N>)_mm256_sqrt_ps((__m256)x);
#endif
#if defined(__SSE2__)
  if constexpr (N == 4) return (Lanes<N>)_mm_sqrt_ps((__m128)x);
#endif
  for (int i = 0; i < N; ++i) x[i] = std::sqrt(x[i]);
  return x;
}

// By halves, which is shorter than from left to right, and the same everywhere.
template <int N>
FIELDFARE_INLINE float sum(Lanes<N> x) {
  if constexpr (N == 1) {
    return x[0];
  } else {
    Lanes<N / 2> low, high;
    std::memcpy(&low, &x, sizeof low);
    std::memcpy(&high, reinterpret_cast<const char*>(&x) + sizeof low, sizeof high);
    return sum<N / 2>(low + high);
  }
}

#endif

template <int N>
FIELDFARE_INLINE Lanes<N> load(const float* from) {
  Lanes<N> lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

template <int N>
FIELDFARE_INLINE void store(float* to, Lanes<N> lanes) {
  std::memcpy(to, &lanes, sizeof lanes);
}

// The lanes that suit a vector of K floats; K = 0 stands for a length known only at run time.
template <int K>
inline constexpr int lanes_for = K == 4 ? 4 : 8;

template <int K>
FIELDFARE_INLINE std::int64_t length(std::int64_t k) {
  if constexpr (K > 0) return K;
  return k;
}

// Calls body.operator()<8>(d), and at the end perhaps body.operator()<4>(d), so that all of 0 <= d <
// n, a multiple of 4, is covered.
template <class Body>
FIELDFARE_INLINE void in_lanes(std::int64_t n, Body&& body) {
  std::int64_t d = 0;
  for (; d + 32 <= n; d += 32) {
    body.template operator()<8>(d);
    body.template operator()<8>(d + 8);
    body.template operator()<8>(d + 16);
    body.template operator()<8>(d + 24);
  }
  for (; d + 8 <= n; d += 8) body.template operator()<8>(d);
  if (d < n) body.template operator()<4>(d);
}

// Sums of products whose number of lanes changes on the way.
struct LaneSum {
  Lanes<8> eights = broadcast<8>(0);
  Lanes<4> fours = broadcast<4>(0);

  template <int N>
  FIELDFARE_INLINE void add(Lanes<N> a, Lanes<N> b) {
    if constexpr (N == 8) eights = eights + a * b;
    if constexpr (N == 4) fours = fours + a * b;
  }
  FIELDFARE_INLINE float total() const { return sum<8>(eights) + sum<4>(fours); }
};

// to[d] = a * x[d]
template <int K>
FIELDFARE_INLINE void scale_to(float* to, float a, const float* x, std::int64_t k) {
  constexpr int N = lanes_for<K>;
  std::int64_t d = 0;
  for (; d + N <= length<K>(k); d += N) store<N>(to + d, broadcast<N>(a) * load<N>(x + d));
  for (; d < length<K>(k); ++d) to[d] = a * x[d];
}

// to[d] += a * x[d]
template <int K>
FIELDFARE_INLINE void add_scaled(float* to, float a, const float* x, std::int64_t k) {
  constexpr int N = lanes_for<K>;
  std::int64_t d = 0;
  for (; d + N <= length<K>(k); d += N) {
    store<N>(to + d, load<N>(to + d) + broadcast<N>(a) * load<N>(x + d));
  }
  for (; d < length<K>(k); ++d) to[d] += a * x[d];
}

// <x, y>
template <int K>
FIELDFARE_INLINE float dot(const float* x, const float* y, std::int64_t k) {
  constexpr int N = lanes_for<K>;
  Lanes<N> total = broadcast<N>(0);
  std::int64_t d = 0;
  for (; d + N <= length<K>(k); d += N) total = total + load<N>(x + d) * load<N>(y + d);
  float rest = 0;
  for (; d < length<K>(k); ++d) rest += x[d] * y[d];
  return sum<N>(total) + rest;
}

}  // namespace fieldfare::FIELDFARE_ISA
