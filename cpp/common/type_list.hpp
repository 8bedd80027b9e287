// A list of types, of which one is chosen at run time by its place.
#pragma once

namespace fieldfare {

template <class First, class... Rest>
struct TypeList {
  static constexpr int size = 1 + static_cast<int>(sizeof...(Rest));

  // Calls work.operator()<T>() for the type at a place of the list.
  template <class Work>
  static auto visit(int place, Work&& work) {
    if constexpr (sizeof...(Rest) > 0) {
      if (place > 0) return TypeList<Rest...>::visit(place - 1, work);
    }
    return work.template operator()<First>();
  }
};

}  // namespace fieldfare
