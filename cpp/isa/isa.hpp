// Instruction sets: the kernels are compiled once for each, and one of them is chosen at load.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace fieldfare {

struct Outcome;
struct TrainJob;
struct ScoreJob;
struct SparseView;
struct WeighJob;

// Every entry point of one instruction set; kernels.hpp says what each does.
struct Isa {
  const char* name;
  Outcome (*train_rows)(const TrainJob& job);
  Outcome (*train_pairs)(const TrainJob& job);
  void (*score_rows)(const ScoreJob& job);
  void (*inner_products)(const float* items, std::int64_t n, const float* query, std::int64_t d,
                         float* out);
  void (*grouped_products)(const float* items, std::int64_t n, const float* packed, std::int64_t d,
                           float* out);
  bool (*any_above)(const float* numbers, const float* bounds, std::int64_t n);
  void (*combine)(const SparseView& rows, const float* in, float* out, std::int64_t stride,
                  std::int64_t begin, std::int64_t end);
  void (*weigh)(const WeighJob& job, std::int64_t begin, std::int64_t end);
  void (*add_gram)(const float* rows, const float* share, std::int64_t n, std::int64_t width,
                   std::int64_t stride, float* out);
};

// The sets that the core was compiled for, best first.
std::span<const Isa* const> all_isas();

// The set in use: initially the best one that this processor supports.
const Isa& isa();

// Switches to another set, for tests and comparisons. False if there is no such set, or the
// processor does not support it.
bool use_isa(std::string_view name);

}  // namespace fieldfare
