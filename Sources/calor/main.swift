print("calor")
