#ifndef NNET_MULTI_THRESHOLD_STREAM_H_
#define NNET_MULTI_THRESHOLD_STREAM_H_

// How many thresholds of its channel a code reaches, by binary search: its level above the lowest one; where levels
// fall, how many it does not reach.

#include "nnet_each_value_stream.h"

namespace nnet {

template <class given_T, class level_T, typename CONFIG_T> struct searched_level {
    static level_T of(given_T value, unsigned channel) {
        #pragma HLS INLINE
        const ap_int<CONFIG_T::code_bits> code = code_of<CONFIG_T::code_bits>(value);
        const unsigned most = (1u << CONFIG_T::n_bits) - 1, row = CONFIG_T::n_rows == 1 ? 0 : channel;
        unsigned reached = 0;
    Bit:
        for (int bit = CONFIG_T::n_bits - 1; bit >= 0; bit--) {
            #pragma HLS UNROLL
            const unsigned next = reached | (1u << bit);
            if (code >= CONFIG_T::threshold(row * most + next - 1))
                reached = next;
        }
        return of_code<level_T>(CONFIG_T::low + int(CONFIG_T::falls(row) ? most - reached : reached));
    }
};

template <class data_T, class res_T, typename CONFIG_T>
void multi_threshold(hls::stream<data_T> &data, hls::stream<res_T> &res) {
    each_value<searched_level, CONFIG_T>(data, res);
}

} // namespace nnet

#endif
