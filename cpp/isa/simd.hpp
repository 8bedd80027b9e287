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

#include "common/hot_rows.hpp"

#if !defined(FIELDFARE_PLAIN_SIMD) && defined(__SSE2__)
#include <immintrin.h>
#endif

#ifndef FIELDFARE_ISA
#error "FIELDFARE_ISA must name the instruction set that this file is compiled for"
#endif

#define FIELDFARE_INLINE [[gnu::always_inline]] inline
#define FIELDFARE_INLINE_LAMBDA __attribute__((always_inline))

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

template <int N>
FIELDFARE_INLINE float lane(Lanes<N> x, int i) {
  return x.at[i];
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

template <int N>
FIELDFARE_INLINE float lane(Lanes<N> x, int i) {
  return x[i];
}

#endif

#ifdef FIELDFARE_PLAIN_SIMD

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

#else

// Through a type that is floats to the compiler: after a memcpy it would read pointers again.
template <int N>
struct LooseLanesOf {
  typedef float type __attribute__((vector_size(N * sizeof(float)), aligned(alignof(float))));
};

template <int N>
FIELDFARE_INLINE Lanes<N> load(const float* from) {
  return *reinterpret_cast<const typename LooseLanesOf<N>::type*>(from);
}

template <int N>
FIELDFARE_INLINE void store(float* to, Lanes<N> lanes) {
  *reinterpret_cast<typename LooseLanesOf<N>::type*>(to) = lanes;
}

#endif

// The sums of four groups of lanes, each by neighbours: the order is the same everywhere.
template <int N>
FIELDFARE_INLINE Lanes<4> sums_of(const Lanes<N>* x) {
#if defined(__AVX__) && !defined(FIELDFARE_PLAIN_SIMD)
  if constexpr (N == 8) {
    const __m256 low = _mm256_hadd_ps((__m256)x[0], (__m256)x[1]);
    const __m256 high = _mm256_hadd_ps((__m256)x[2], (__m256)x[3]);
    const __m256 all = _mm256_hadd_ps(low, high);
    return (Lanes<4>)_mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1));
  }
#endif
  float total[4];
  for (int e = 0; e < 4; ++e) {
    float quarter[N / 4];
    for (int q = 0; q < N / 4; ++q) {
      quarter[q] = (lane<N>(x[e], 4 * q) + lane<N>(x[e], 4 * q + 1)) +
                   (lane<N>(x[e], 4 * q + 2) + lane<N>(x[e], 4 * q + 3));
    }
    total[e] = quarter[0];
    if constexpr (N == 8) total[e] += quarter[1];
  }
  return load<4>(total);
}

// The float at an offset of each of four rows.
FIELDFARE_INLINE Lanes<4> gather(const float* const* rows, std::int64_t at) {
  const float four[4] = {rows[0][at], rows[1][at], rows[2][at], rows[3][at]};
  return load<4>(four);
}

FIELDFARE_INLINE void scatter(float* const* rows, std::int64_t at, Lanes<4> x) {
  for (int e = 0; e < 4; ++e) rows[e][at] = lane<4>(x, e);
}

#if defined(__SSE2__) && !defined(FIELDFARE_PLAIN_SIMD)
// Two floats that lie side by side, moved as one; they need not lie where a double may.
using TwoFloats [[gnu::may_alias, gnu::aligned(4)]] = double;
#endif

// The two floats at an offset of each of four rows.
FIELDFARE_INLINE void gather_pairs(const float* const* rows, std::int64_t at, Lanes<4>& first,
                                   Lanes<4>& second) {
#if defined(__SSE2__) && !defined(FIELDFARE_PLAIN_SIMD)
  const auto own = [&](int e) { return *reinterpret_cast<const TwoFloats*>(rows[e] + at); };
  const auto two = [&](int e) { return _mm_castpd_ps(_mm_set_pd(own(e + 1), own(e))); };
  const __m128 low = two(0), high = two(2);
  first = (Lanes<4>)_mm_shuffle_ps(low, high, 0b10001000);
  second = (Lanes<4>)_mm_shuffle_ps(low, high, 0b11011101);
#else
  first = gather(rows, at);
  second = gather(rows, at + 1);
#endif
}

FIELDFARE_INLINE void scatter_pairs(float* const* rows, std::int64_t at, Lanes<4> first,
                                    Lanes<4> second) {
#if defined(__SSE2__) && !defined(FIELDFARE_PLAIN_SIMD)
  const auto put = [&](int e, __m128 two) {
    const __m128d own = _mm_castps_pd(two);
    *reinterpret_cast<TwoFloats*>(rows[e] + at) = _mm_cvtsd_f64(own);
    *reinterpret_cast<TwoFloats*>(rows[e + 1] + at) = _mm_cvtsd_f64(_mm_unpackhi_pd(own, own));
  };
  put(0, _mm_unpacklo_ps((__m128)first, (__m128)second));
  put(2, _mm_unpackhi_ps((__m128)first, (__m128)second));
#else
  scatter(rows, at, first);
  scatter(rows, at + 1, second);
#endif
}

// Whether four pointers differ.
FIELDFARE_INLINE bool distinct(float* const* p) {
#if defined(__AVX2__) && !defined(FIELDFARE_PLAIN_SIMD)
  const __m256i own = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  const __m256i next = _mm256_permute4x64_epi64(own, 0b00111001);
  const __m256i opposite = _mm256_permute4x64_epi64(own, 0b01001110);
  const __m256i same =
      _mm256_or_si256(_mm256_cmpeq_epi64(own, next), _mm256_cmpeq_epi64(own, opposite));
  return _mm256_testz_si256(same, same) != 0;
#else
  return (p[0] != p[1]) & (p[0] != p[2]) & (p[0] != p[3]) & (p[1] != p[2]) & (p[1] != p[3]) &
         (p[2] != p[3]);
#endif
}

// The largest of n numbers, or 0. Eight at a time, the last eight may repeat some: going through
// a remainder one by one would take as long as all the others.
FIELDFARE_INLINE std::uint32_t largest(const std::uint32_t* x, std::int64_t n) {
  std::uint32_t found = 0;
#if defined(__AVX2__) && !defined(FIELDFARE_PLAIN_SIMD)
  if (n >= 8) {
    const auto at = [&](std::int64_t i) {
      return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + i));
    };
    __m256i eight = at(n - 8);
    for (std::int64_t i = 0; i + 8 <= n; i += 8) eight = _mm256_max_epu32(eight, at(i));
    __m128i four = _mm_max_epu32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0b01001110));
    four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0b10110001));
    return static_cast<std::uint32_t>(_mm_cvtsi128_si32(four));
  }
#endif
  for (std::int64_t i = 0; i < n; ++i) found = x[i] > found ? x[i] : found;
  return found;
}

// Where rows of the table lie: where[i] = table + ids[i] * stride or, for an id that is found
// in its bucket of the hot ones, hot.rows + bucket * stride. Without hot ones hot.ids is null.
FIELDFARE_INLINE void rows_at(float* table, const HotRows& hot, std::int64_t stride,
                              const std::uint32_t* ids, std::int64_t n, float** where) {
  std::int64_t i = 0;
#if defined(__AVX2__) && !defined(FIELDFARE_PLAIN_SIMD)
  const __m256i bytes = _mm256_set1_epi64x(stride * static_cast<std::int64_t>(sizeof(float)));
  const __m256i start = _mm256_set1_epi64x(reinterpret_cast<std::int64_t>(table));
  const auto place = [&](__m128i numbers, __m256i base) {
    const __m256i offset = _mm256_mul_epu32(_mm256_cvtepu32_epi64(numbers), bytes);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(where + i), _mm256_add_epi64(base, offset));
  };
  const auto four = [&] { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(ids + i)); };
  const bool fits = stride < std::int64_t{1} << 30;  // and so its bytes are a number of 32 bits
  if (hot.ids == nullptr) {
    for (; fits && i + 4 <= n; i += 4) place(four(), start);
  } else {
    const __m256i hot_start = _mm256_set1_epi64x(reinterpret_cast<std::int64_t>(hot.rows));
    const __m128i factor = _mm_set1_epi32(static_cast<int>(golden_32));
    for (; fits && i + 4 <= n; i += 4) {
      const __m128i own = four();
      const __m128i bucket = _mm_srli_epi32(_mm_mullo_epi32(own, factor), 32 - HotRows::bits);
      const __m128i found = _mm_i32gather_epi32(reinterpret_cast<const int*>(hot.ids), bucket, 4);
      const __m128i is_hot = _mm_cmpeq_epi32(found, own);
      place(_mm_blendv_epi8(own, bucket, is_hot),
            _mm256_blendv_epi8(start, hot_start, _mm256_cvtepi32_epi64(is_hot)));
    }
  }
#endif
  for (; i < n; ++i) {
    const std::uint32_t bucket = HotRows::bucket(ids[i]);
    const bool is_hot = hot.ids != nullptr && hot.ids[bucket] == ids[i];
    where[i] = (is_hot ? hot.rows : table) + (is_hot ? bucket : ids[i]) * stride;
  }
}

// Whether n numbers differ from each other.
FIELDFARE_INLINE bool all_differ(const std::uint32_t* x, std::int64_t n) {
  std::int64_t i = 0;
#if defined(__AVX2__) && !defined(FIELDFARE_PLAIN_SIMD)
  __m256i same = _mm256_setzero_si256();
  for (; i + 9 <= n; ++i) {
    const __m256i own = _mm256_set1_epi32(static_cast<int>(x[i]));
    const auto compare = [&](std::int64_t j) {
      const __m256i others = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + j));
      same = _mm256_or_si256(same, _mm256_cmpeq_epi32(own, others));
    };
    for (std::int64_t j = i + 1; j + 8 <= n; j += 8) compare(j);
    compare(n - 8);
  }
  if (_mm256_testz_si256(same, same) == 0) return false;
#endif
  bool differ = true;
  for (; i < n; ++i) {
    for (std::int64_t j = i + 1; j < n; ++j) differ &= x[i] != x[j];
  }
  return differ;
}

// Swaps the second half of x with the first half of y.
FIELDFARE_INLINE void cross(Lanes<8>& x, Lanes<8>& y) {
#if defined(__AVX__) && !defined(FIELDFARE_PLAIN_SIMD)
  const auto first = (__m256)x;
  const auto second = (__m256)y;
  x = (Lanes<8>)_mm256_permute2f128_ps(first, second, 0x20);
  y = (Lanes<8>)_mm256_permute2f128_ps(first, second, 0x31);
#else
  float all[16];
  store<8>(all, x);
  store<8>(all + 8, y);
  float crossed[16];
  for (int i = 0; i < 4; ++i) {
    crossed[i] = all[i];
    crossed[4 + i] = all[8 + i];
    crossed[8 + i] = all[4 + i];
    crossed[12 + i] = all[12 + i];
  }
  x = load<8>(crossed);
  y = load<8>(crossed + 8);
#endif
}

// The lanes that suit a vector of K floats; K = 0 stands for a length known only at run time.
template <int K>
inline constexpr int lanes_for = K == 4 ? 4 : 8;

template <int K>
FIELDFARE_INLINE std::int64_t length(std::int64_t k) {
  if constexpr (K > 0) return K;
  return k;
}

// Calls body.operator()<8>(d), and at the end perhaps body.operator()<4>(d), so that all of 0 <= d
// < n, a multiple of 4, is covered.
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

// Sums of products whose number of lanes changes along the way.
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
