// What is private to each thread while several train without locks: the rows of the most frequent
// features, and the parameters that every sample updates.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "common/lines.hpp"
#include "common/team.hpp"
#include "gradient/job.hpp"

namespace fieldfare {

// The entries of the row at a place of the order; none if they lie out of bounds, which the kernels
// report.
std::pair<std::int64_t, std::int64_t> entries(const TrainJob& job, std::int64_t at);

// For rules that keep the sum of squared gradients, AdaGrad's.
class Replicas {
 public:
  Replicas(const TrainJob& job, std::int64_t n_threads);

  // Points the job of thread t to the rows and shared parameters that are private to it.
  void lend(TrainJob& job, std::int64_t t);

  // Combines what the threads have learned separately, nearly as if they had taken turns. All
  // members of a team call it; `learned` is what they have learned since they last met.
  void merge(const Member& member, const Outcome& learned);

 private:
  struct Elected {
    std::uint32_t id;
    std::int64_t bucket;
  };
  // Offsets of weights that are updated together, and of their state.
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
  std::vector<std::uint32_t> in_bucket_;  // the id of the feature, or no_feature
  std::vector<Elected> elected_;
  std::int64_t shared_floats_;
  std::vector<std::unique_ptr<float[]>> rows_;
  std::vector<float*> hot_;  // where a cache line begins in each of them
  std::vector<Lines<float>> shared_;
};

}  // namespace fieldfare
