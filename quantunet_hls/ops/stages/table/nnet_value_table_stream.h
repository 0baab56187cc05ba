#ifndef NNET_VALUE_TABLE_STREAM_H_
#define NNET_VALUE_TABLE_STREAM_H_

// Any function of a value of few bits: the entry of a table at these bits.

#include "nnet_each_value_stream.h"

namespace nnet {

template <class given_T, class entry_T, typename CONFIG_T> struct value_in_table {
    static entry_T of(given_T value, unsigned) {
        #pragma HLS INLINE
        // All that comes is a number of this type, whatever the stream's own.
        const typename CONFIG_T::index_t number = value;
        const ap_uint<CONFIG_T::index_t::width> bits = number.range(CONFIG_T::index_t::width - 1, 0);
        return of_code<entry_T>(CONFIG_T::entry(bits.to_uint()));
    }
};

template <class data_T, class res_T, typename CONFIG_T>
void value_table(hls::stream<data_T> &image, hls::stream<res_T> &looked_up) {
    each_value<value_in_table, CONFIG_T>(image, looked_up);
}

} // namespace nnet

#endif
