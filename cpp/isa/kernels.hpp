// The entry points of one instruction set, compiled under the namespace FIELDFARE_ISA.
#pragma once

#include <cstdint>

#include "isa/isa.hpp"

#ifndef FIELDFARE_ISA
#error "FIELDFARE_ISA must name the instruction set that this file is compiled for"
#endif

namespace fieldfare::FIELDFARE_ISA {

// gradient: sample after sample, and pair after pair
Outcome train_rows(const TrainJob& job);
Outcome train_pairs(const TrainJob& job);

// scoring
void score_rows(const ScoreJob& job);

// retrieval
// out[i] = <items[i], query>, of n items.
void inner_products(const float* items, std::int64_t n, const float* query, std::int64_t d,
                    float* out);
// out[i, q] = <items[i], queries[:, q]>; packed is [d, query_group].
void grouped_products(const float* items, std::int64_t n, const float* packed, std::int64_t d,
                      float* out);
// Whether any of n (a multiple of 8) numbers is above its bound.
bool any_above(const float* numbers, const float* bounds, std::int64_t n);

// recall
// out_i = sum over the entries of row i of value * in[index]
void combine(const SparseView& rows, const float* in, float* out, std::int64_t stride,
             std::int64_t begin, std::int64_t end);
void weigh(const WeighJob& job, std::int64_t begin, std::int64_t end);
// out += sum of the outer products of n rows
void add_gram(const float* rows, const float* share, std::int64_t n, std::int64_t width,
              std::int64_t stride, float* out);

}  // namespace fieldfare::FIELDFARE_ISA
