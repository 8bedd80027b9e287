// What each thread has for itself while several train without locks: the rows of the most frequent
// features, and the parameters that every sample moves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "fieldfare/kernels.hpp"

namespace fieldfare {

// Memory that shares no cache line with anything else: what two threads write must not.
template <class T>
class Lines {
 public:
  explicit Lines(std::int64_t n) : memory_(static_cast<std::size_t>(n) * sizeof(T) + 128) {
    auto at = reinterpret_cast<std::uintptr_t>(memory_.data());
    first_ = reinterpret_cast<T*>(memory_.data() + (64 - at % 64));
  }
  T* data() const { return first_; }

 private:
  std::vector<std::byte> memory_;
  T* first_;
};

// The entries of the row at a place of the order; none if they lie out of bounds, which the kernels
// report.
std::pair<std::int64_t, std::int64_t> entries(const TrainJob& job, std::int64_t at);

// For rules that keep the sum of squared gradients, AdaGrad's.
class Replicas {
 public:
  Replicas(const TrainJob& job, std::int64_t n_threads);

  void lend(TrainJob& part, std::int64_t t);

  // Brings together what the threads have learned apart, nearly as if they had taken turns. Each
  // thread does a part of the rows. `learned` is what all of them have learned meanwhile.
  void merge(std::int64_t part, std::int64_t parts, const Outcome& learned);

 private:
  struct Elected {
    std::uint32_t id;
    std::int64_t bucket;
  };
  // Weights that move together, and their state, as offsets.
  struct Group {
    std::int64_t begin, end, state, state_end;
    float learning_rate;
  };

  void elect();
  void copy_out(const Elected& row);
  void merge_row(const Elected& row, float per_square);
  void merge_shared(float per_square);
  template <class Replica>
  void add_up(float* own, Replica replica, const Group& group, float per_square) const;

  const TrainJob& job_;
  std::int64_t n_threads_;
  std::vector<std::uint32_t> in_bucket_;  // the id of the feature, or nobody
  std::vector<Elected> elected_;
  std::int64_t shared_floats_;
  std::vector<std::unique_ptr<float[]>> rows_;
  std::vector<float*> hot_;  // where a cache line begins in each of them
  std::vector<Lines<float>> shared_;
};

}  // namespace fieldfare
